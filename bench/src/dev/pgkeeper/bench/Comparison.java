package dev.pgkeeper.bench;

import org.jspecify.annotations.Nullable;

/**
 * One result held against another, or against a limit.
 *
 * @param of whose result
 * @param ratioTo against whose; null if the value itself is what the target is about
 * @param target what has to be reached; null if it is only told
 * @param rounds of which the value is the median; null where there was one only
 */
public record Comparison(
    String caseName,
    int threads,
    String of,
    @Nullable String ratioTo,
    double value,
    @Nullable Target target,
    @Nullable Series rounds) {

  /**
   * Beyond this no ratio is told. Where half of the rounds are within half of the median, the
   * median of nine is still uncertain by 15 % of itself (1.25 σ / √9, and σ is the spread / 1.35):
   * about as much as many results are away from their targets. Where they are further apart, it
   * says nothing.
   */
  static final double WIDEST_SPREAD = 0.5;

  /** The ratio of those who took turns, one for each round. */
  public static Comparison ofRounds(
      String caseName,
      int threads,
      String of,
      String ratioTo,
      Series ratios,
      @Nullable Target target) {
    return new Comparison(caseName, threads, of, ratioTo, ratios.median(), target, ratios);
  }

  /** The ratio of two that were measured once. */
  public static Comparison ofFigures(Figure of, Figure ratioTo, @Nullable Target target) {
    return new Comparison(
        of.caseName(),
        of.threads(),
        of.subject(),
        ratioTo.subject(),
        of.value() / ratioTo.value(),
        target,
        null);
  }

  /** A count that has a limit of its own. */
  public static Comparison limit(Figure figure, Target target) {
    return new Comparison(
        figure.caseName(), figure.threads(), figure.subject(), null, figure.value(), target, null);
  }

  /** As a part of the value; null where there was one round only. */
  @Nullable Double spread() {
    return rounds == null ? null : (Double) rounds.spread();
  }

  /** Whether the rounds agree so far that their median means something. */
  boolean isMeaningful() {
    return !Double.isNaN(value) && (rounds == null || rounds.spread() <= WIDEST_SPREAD);
  }

  /** Null if there is no target, or nothing to hold against it. */
  @Nullable Boolean met() {
    return target == null || !isMeaningful() ? null : (Boolean) target.isMetBy(value);
  }

  /** The value, or in words why none is told. */
  String told() {
    if (isMeaningful() || rounds == null) {
      return Numbers.plain(value);
    }
    return "spread too wide (%s to %s)"
        .formatted(Numbers.plain(rounds.low()), Numbers.plain(rounds.high()));
  }

  /** What became of the target, in words; empty if there is none. */
  String verdict() {
    if (target == null) {
      return "";
    }
    Boolean met = met();
    return met == null ? "not judged" : met ? "met" : target.shortfall(value);
  }
}
