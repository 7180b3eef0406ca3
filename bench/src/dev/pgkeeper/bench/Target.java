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

  @Override
  public String toString() {
    return (atLeast ? "≥ " : "≤ ") + Numbers.plain(limit);
  }
}
