package dev.pgkeeper.bench;

import java.util.Arrays;
import java.util.List;

/** The values of several rounds, in their order. */
public record Series(double[] values) {
  static Series of(List<Round> rounds, Measure measure) {
    return new Series(rounds.stream().mapToDouble(measure.of()).toArray());
  }

  /** Of a case that has rounds of its own. */
  public static Series of(List<Double> values) {
    return new Series(values.stream().mapToDouble(Double::doubleValue).toArray());
  }

  /** Round by round, not median by median: what slowed the machine for a while slowed both. */
  public Series ratioTo(Series other) {
    double[] ratios = new double[Math.min(values.length, other.values.length)];
    Arrays.setAll(ratios, i -> values[i] / other.values[i]);
    return new Series(ratios);
  }

  public double median() {
    double[] sorted = sorted();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /**
   * The lowest of the rounds without the worst quarter of them: one checkpoint in one round is no
   * reason to distrust the others.
   */
  double low() {
    return sorted()[values.length / 4];
  }

  /** The highest without the best quarter. */
  double high() {
    return sorted()[values.length - 1 - values.length / 4];
  }

  /**
   * How far the rounds between {@link #low} and {@link #high} are apart, as a part of the median.
   */
  public double spread() {
    return (high() - low()) / median();
  }

  private double[] sorted() {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted;
  }
}
