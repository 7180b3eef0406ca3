package dev.pgkeeper.bench;

import org.jspecify.annotations.Nullable;

/**
 * One subject's result in one case.
 *
 * @param value the median over the rounds
 * @param p50Ms the median latency of all steps; null where nothing was timed
 * @param p99Ms what one step in a hundred exceeded; null where nothing was timed
 * @param spread how far the rounds are apart, as a part of the value; null where there was one only
 * @param clientCpuUs processor time that the clients took for one unit; null where it was not
 *     measured
 * @param serverCpuUs processor time that the servers took for one unit; null where it was not
 *     measured
 */
public record Figure(
    String caseName,
    String subject,
    int threads,
    String unit,
    double value,
    @Nullable Double p50Ms,
    @Nullable Double p99Ms,
    @Nullable Double spread,
    @Nullable Double clientCpuUs,
    @Nullable Double serverCpuUs) {

  /** The median of rounds that a case has of its own. */
  public static Figure ofRounds(
      String caseName, String subject, int threads, String unit, Series rounds) {
    return new Figure(
        caseName, subject, threads, unit, rounds.median(), null, null, rounds.spread(), null, null);
  }

  /** Something that was counted, not timed. */
  public static Figure counted(
      String caseName, String subject, int threads, String unit, double value) {
    return new Figure(caseName, subject, threads, unit, value, null, null, null, null, null);
  }
}
