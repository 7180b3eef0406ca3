package dev.pgkeeper.doctor;

/** Spans of time as people read them. */
final class Spans {
  private Spans() {}

  /** For example 35 s, 4 min 10 s, 2 h 11 min, 3 d 5 h. */
  static String text(long seconds) {
    if (seconds < 60) {
      return seconds + " s";
    } else if (seconds < 3600) {
      return two(seconds, 60, "min", 1, "s");
    } else if (seconds < 86_400) {
      return two(seconds, 3600, "h", 60, "min");
    }
    return two(seconds, 86_400, "d", 3600, "h");
  }

  private static String two(long seconds, long large, String its, long small, String smalls) {
    long rest = seconds % large / small;
    return seconds / large + " " + its + (rest == 0 ? "" : " " + rest + " " + smalls);
  }
}
