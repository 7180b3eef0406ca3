package dev.pgkeeper.bench;

import java.util.Arrays;
import java.util.List;

/** The values of several rounds, in their order. */
record Series(double[] values) {
  static Series of(List<Round> rounds, Measure measure) {
    return new Series(rounds.stream().mapToDouble(measure.of()).toArray());
  }

  /** Round by round, not median by median: what slowed the machine for a while slowed both. */
  Series ratioTo(Series other) {
    double[] ratios = new double[Math.min(values.length, other.values.length)];
    Arrays.setAll(ratios, i -> values[i] / other.values[i]);
    return new Series(ratios);
  }

  double median() {
    double[] sorted = sorted();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /**
   * How far the rounds are apart, as a part of the median, without the best and the worst quarter
   * of them: one checkpoint in one round is no reason to distrust the others.
   */
  double spread() {
    double[] sorted = sorted();
    int cut = sorted.length / 4;
    return (sorted[sorted.length - 1 - cut] - sorted[cut]) / median();
  }

  private double[] sorted() {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted;
  }
}
