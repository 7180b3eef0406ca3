package dev.pgkeeper.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class HistogramTest {

  @Test
  void aPercentileIsOffByLessThanOnePartInAHundred() {
    Histogram histogram = new Histogram();
    LongStream.rangeClosed(1, 1_000_000).map(i -> i * 100).forEach(histogram::record);
    for (double percent : new double[] {0.01, 1, 50, 99, 99.99, 100}) {
      assertThat(histogram.percentile(percent) / (percent * 1e6)).isCloseTo(1, within(0.01));
    }
    assertThat(histogram.count()).isEqualTo(1_000_000);
  }

  @Test
  void smallDurationsAreExactAndTheLongestFits() {
    Histogram histogram = new Histogram();
    for (long nanos : new long[] {0, 127, 128, Long.MAX_VALUE}) {
      histogram.record(nanos);
    }
    assertThat(histogram.percentile(25)).isZero();
    assertThat(histogram.percentile(50)).isEqualTo(127);
    assertThat(histogram.percentile(75)).isEqualTo(128.5);
  }

  @Test
  void histogramsAddUp() {
    Histogram one = new Histogram();
    Histogram other = new Histogram();
    one.record(10);
    other.record(20);
    other.record(30);
    one.add(other);
    assertThat(one.percentile(50)).isEqualTo(20);
    assertThat(one.sum()).isEqualTo(60);
  }
}
