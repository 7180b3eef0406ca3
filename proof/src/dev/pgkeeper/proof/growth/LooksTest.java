package dev.pgkeeper.proof.growth;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class LooksTest {
  private static List<Series> read(String... said) {
    return Looks.read(List.of(said), Duration.ofSeconds(10), 3);
  }

  private static String look(long seconds, String of, double raw) {
    return Measure.THREADS.line(seconds * 1_000_000, of, raw).substring("look ".length());
  }

  @Test
  void eachValueIsAtItsTimeAndWhatWasNotSeenIsNoNumber() {
    assertThat(read(look(105, "node", 1), look(122, "node", 3)))
        .containsExactly(new Series("node", Measure.THREADS, true, List.of(1.0, Double.NaN, 3.0)));
  }

  @Test
  void whatIsSeenAfterTheEndIsLeftOut() {
    assertThat(read(look(105, "node", 1), look(136, "node", 3)))
        .containsExactly(
            new Series("node", Measure.THREADS, true, List.of(1.0, Double.NaN, Double.NaN)));
  }

  @Test
  void oneProcessIsWholeAndSeveralThatFollowOneAnotherAreNot() {
    assertThat(read(look(105, "c0.1", 1), look(105, "c1.1", 2), look(115, "c1.2", 3)))
        .containsExactly(
            new Series("client 0", Measure.THREADS, true, List.of(1.0, Double.NaN, Double.NaN)),
            new Series("client 1", Measure.THREADS, false, List.of(2.0, 3.0, Double.NaN)));
  }

  @Test
  void valuesAreToldInTheirUnits() {
    assertThat(read(Measure.HEAP.line(5_000_000, "c0.1", 12_500_000).substring("look ".length())))
        .containsExactly(
            new Series("client 0", Measure.HEAP, true, List.of(12.5, Double.NaN, Double.NaN)));
  }
}
