package dev.pgkeeper.proof.growth;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is said of figures that are known to grow or not. */
class GrowthTest {
  private static final int LOOKS = 60;

  private static List<String> violations(Measure measure, IntToDoubleFunction value) {
    List<Double> values = IntStream.range(0, LOOKS).mapToDouble(value).boxed().toList();
    return Growth.violations(List.of(new Series("it", measure, true, values)));
  }

  /** Two thirds of what there is at first are added in the half of the time that is compared. */
  @ParameterizedTest
  @EnumSource
  void whatGrowsSteadilyIsFound(Measure measure) {
    double much = 10 * measure.most(0) + 10;
    assertThat(violations(measure, look -> much + much * look / 20)).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource
  void whatStaysOrGrowsByLessThanItMayIsNot(Measure measure) {
    double more = (40 + measure.most(40)) / 2;
    assertThat(violations(measure, look -> look < LOOKS / 2 ? 40 : more)).isEmpty();
  }

  @Test
  void aSmallLeakIsFoundInAnHour() {
    assertThat(violations(Measure.HEAP, look -> 20 + 0.12 * look)).hasSize(1);
    assertThat(violations(Measure.THREADS, look -> 48 + look / 4)).hasSize(1);
    assertThat(violations(Measure.ROWS, look -> 50 + 6 * look)).hasSize(1);
  }

  @Test
  void whatFillsInTheFirstQuarterAndThenStaysIsNoGrowth() {
    assertThat(violations(Measure.ROWS, look -> Math.min(look, 14) * 1000)).isEmpty();
  }

  @Test
  void whatGathersAndIsTidiedAgainIsNoGrowth() {
    assertThat(violations(Measure.DEAD_ROWS, look -> look % 6 * 1000)).isEmpty();
  }

  @Test
  void whatIsTidiedLaterTowardsTheEndIsNoGrowthWhileItFallsAsLowAsBefore() {
    assertThat(
            violations(Measure.SIZE, look -> 200 + (look < 40 ? look % 3 * 100 : look % 12 * 400)))
        .isEmpty();
    assertThat(violations(Measure.SIZE, look -> 200 + look % 3 * 100 + look * 40)).hasSize(1);
  }

  @Test
  void someLooksInWhichItIsHighAreNoGrowth() {
    assertThat(violations(Measure.CONNECTIONS, look -> look > 54 ? 300 : 20)).isEmpty();
  }

  @Test
  void looksAtWhichNothingWasSeenAreLeftOut() {
    assertThat(violations(Measure.ROWS, look -> look % 3 == 0 ? 7 : Double.NaN)).isEmpty();
  }

  @Test
  void aQuarterInWhichNobodyLookedIsTold() {
    assertThat(violations(Measure.ROWS, look -> look > 40 ? Double.NaN : 7))
        .singleElement()
        .asString()
        .contains("was not looked at");
  }
}
