package dev.pgkeeper.proof.growth;

import java.util.Arrays;
import java.util.Optional;

/**
 * Rows that the library keeps on purpose for longer than a run takes. They are counted apart from
 * those that are needed, and so is their table's size not judged.
 */
public enum Kept {
  /** A request may sit in some buffer for long, and must not be done when it comes out of it. */
  REPLY(
      "for two days after the end of their session",
      "NOT EXISTS (SELECT FROM ${schema}.session s WHERE s.id = session)"),
  /** For the rates of a queue. */
  QUEUE_TALLY("for a day", "minute > clock_timestamp() - interval '1 day'"),
  /** A tick that is a text has no order, so it could run again if its run were forgotten. */
  JOB_RUN("for good where ticks are texts, as here", "ended IS NOT NULL");

  private final String howLong;
  private final String condition;

  Kept(String howLong, String condition) {
    this.howLong = howLong;
    this.condition = condition;
  }

  static Optional<Kept> in(String table) {
    return Arrays.stream(values()).filter(kept -> kept.table().equals(table)).findFirst();
  }

  public String table() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }

  /** For people. */
  public String howLong() {
    return howLong;
  }

  String query() {
    return "SELECT count(*) FILTER (WHERE %1$s) FROM ${schema}.%2$s".formatted(condition, table());
  }

  /** Whether it is of what is kept, which may grow. */
  public static boolean isOf(Series series) {
    return in(series.of()).isPresent()
        && (series.measure() == Measure.KEPT_ROWS || series.measure() == Measure.SIZE);
  }
}
