package dev.pgkeeper.bench;

import org.jspecify.annotations.Nullable;

/**
 * One result held against another, or against a limit.
 *
 * @param of whose result
 * @param ratioTo against whose; null if the value itself is what the target is about
 * @param target what has to be reached; null if it is only told
 * @param spread how far the rounds are apart, as a part of the value; null where there was one only
 */
public record Comparison(
    String caseName,
    int threads,
    String of,
    @Nullable String ratioTo,
    double value,
    @Nullable Target target,
    @Nullable Double spread) {

  /** Beyond this the rounds disagree too much for their median to mean anything. */
  private static final double RELIABLE_SPREAD = 0.3;

  /** A count that has a limit of its own. */
  public static Comparison limit(Figure figure, Target target) {
    return new Comparison(
        figure.caseName(), figure.threads(), figure.subject(), null, figure.value(), target, null);
  }

  public boolean isReliable() {
    return !Double.isNaN(value) && (spread == null || spread <= RELIABLE_SPREAD);
  }

  /** Null if there is no target. */
  public @Nullable Boolean met() {
    return target == null ? null : (Boolean) target.isMetBy(value);
  }
}
