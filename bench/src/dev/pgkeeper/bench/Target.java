package dev.pgkeeper.bench;

/**
 * What has to be reached.
 *
 * @param limit where it begins or ends
 * @param atLeast whether more is better
 */
public record Target(double limit, boolean atLeast) {
  public static Target atLeast(double limit) {
    return new Target(limit, true);
  }

  public static Target atMost(double limit) {
    return new Target(limit, false);
  }

  boolean isMetBy(double value) {
    return atLeast ? value >= limit : value <= limit;
  }

  /** In words, how far a value that does not meet it is away from it. */
  String shortfall(double value) {
    double percent = Math.ceil(Math.abs(value - limit) / limit * 100);
    return "missed: " + Numbers.plain(percent) + " % too " + (atLeast ? "little" : "much");
  }

  @Override
  public String toString() {
    return (atLeast ? "≥ " : "≤ ") + Numbers.plain(limit);
  }
}
