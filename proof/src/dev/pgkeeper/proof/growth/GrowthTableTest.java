package dev.pgkeeper.proof.growth;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class GrowthTableTest {
  private static Series series(String of, Measure measure, DoubleStream values) {
    return new Series(of, measure, true, values.boxed().toList());
  }

  private static String table(Series... seen) {
    return GrowthTable.markdown(List.of(seen), Duration.ofMinutes(1));
  }

  @Test
  void whatMovedIsTheMedianOfEachSixthAndOfTheQuartersThatAreCompared() {
    String table =
        table(
            series("node", Measure.ROWS, IntStream.range(0, 60).asDoubleStream().map(i -> i * 10)));
    assertThat(table.lines().toList().get(0).replaceAll(" +", " "))
        .isEqualTo(
            "| of | what | unit | 0 min–10 min | 10 min–20 min | 20 min–30 min | 30 min–40 min | 40 min–50 min | 50 min–60 min | 2nd quarter | last quarter | most | grew |");
    assertThat(table.lines().toList().get(2).replaceAll(" +", " "))
        .isEqualTo("| node | rows | | 45 | 145 | 245 | 345 | 445 | 545 | 220 | 520 | 364 | YES |");
  }

  @Test
  void whatStayedAsItWasIsOnlyNamedAndWhatIsNotUsedIsLeftOut() {
    String table =
        table(
            series("epoch", Measure.ROWS, DoubleStream.generate(() -> 1).limit(60)),
            series("fenced", Measure.ROWS, DoubleStream.generate(() -> 0).limit(60)),
            new Series("job", Measure.ROWS, true, Collections.nCopies(60, Double.NaN)));
    assertThat(table.lines().skip(2)).containsExactly("", "The same all the time: epoch (rows).");
  }
}
