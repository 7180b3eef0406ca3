package dev.pgkeeper.bench;

import java.util.function.ToDoubleFunction;

/**
 * What a round is worth.
 *
 * @param unit as it is printed
 * @param of the value of one round
 */
public record Measure(String unit, ToDoubleFunction<Round> of) {
  /** How many a second, all threads together. */
  public static Measure rate(String unit) {
    return new Measure(unit, round -> round.units() / round.seconds());
  }

  /** The median latency of a step. */
  public static Measure latency() {
    return new Measure("ms", round -> round.latencies().percentile(50) / 1e6);
  }

  /** How long one took on average, as seen by the thread that did it. */
  public static Measure time(String unit) {
    return new Measure(unit, round -> round.latencies().sum() / 1e3 / round.units());
  }
}
