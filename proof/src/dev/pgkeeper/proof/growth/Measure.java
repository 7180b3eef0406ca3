package dev.pgkeeper.proof.growth;

/**
 * What is looked at, and how much more of it in the last quarter than in the second is no growth
 * yet: a part of what there was, and so much that comes and goes.
 */
public enum Measure {
  /** What a client remembers; code that runs for the first time late adds a little. */
  HEAP("heap after a collection", "MB", 1e-6, 0.1, 1),
  /** Pools of threads shrink and grow with what is to be done. */
  THREADS("threads", "", 1, 0, 6),
  /** Its connections are among them. */
  FILES("open files", "", 1, 0, 8),
  /** As the server sees them: a pool's come and go; the server's own are those of no client. */
  CONNECTIONS("connections", "", 1, 0.1, 6),
  /** What one of the server's processes has for itself; there are as many as connections. */
  MEMORY("memory of a process", "MB", 1e-6, 0.15, 0.5),
  NOTIFICATIONS("notification queue in use", "%", 100, 0, 0.1),
  /** How much of it is copies of pages depends on when the last checkpoint was. */
  WAL("log written between two looks", "MB", 1e-6, 0.5, 0.5),
  /** Messages wait, sessions come and go. */
  ROWS("rows", "", 1, 0.2, 100),
  /** Rows that have had their day, and are kept on purpose for longer than a run ({@link Kept}). */
  KEPT_ROWS("rows that are kept for longer", "", 1, 0.2, 100),
  /**
   * They gather until autovacuum comes, which in the schema's tables is at 1,000 and a part; {@link
   * #gathers}.
   */
  DEAD_ROWS("dead rows", "", 1, 0.5, 1500),
  /** With its indices. What was once needed stays, and is used again. */
  SIZE("size", "kB", 1.0 / 1024, 0.25, 512);

  private final String text;
  private final String unit;
  private final double scale;
  private final double part;
  private final double slack;

  Measure(String text, String unit, double scale, double part, double slack) {
    this.text = text;
    this.unit = unit;
    this.scale = scale;
    this.part = part;
    this.slack = slack;
  }

  public String text() {
    return text;
  }

  /** Of a value as it is told. */
  public String unit() {
    return unit;
  }

  /**
   * Whether it rises until somebody tidies, and then falls. How high it gets depends on when that
   * is, and a server that crashed has forgotten how much there is to tidy; whether it grows is seen
   * where it is lowest.
   */
  boolean gathers() {
    return this == DEAD_ROWS || this == SIZE;
  }

  double scaled(double raw) {
    return raw * scale;
  }

  /** The most that is no growth, where there was so much. */
  double most(double before) {
    return before * (1 + part) + slack;
  }

  /** How a look is written down: {@code look micros of measure raw}. */
  public String line(long micros, String of, double raw) {
    return "look %d %s %s %s".formatted(micros, of, name(), raw);
  }
}
