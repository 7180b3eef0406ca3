package dev.pgkeeper.bench;

/** What one thread does again and again while it is measured. */
@FunctionalInterface
public interface Worker {
  /** Instead of a duration: there is nothing left to do in this round. */
  long EXHAUSTED = -1;

  /** Instead of a duration: it was done, but not in the way that is measured. */
  long UNCOUNTED = -2;

  /**
   * Does it once and returns how many nanoseconds it took, or {@link #EXHAUSTED}, or {@link
   * #UNCOUNTED}.
   */
  long step() throws Exception;

  /** A call whose whole duration counts. */
  static Worker timing(Call call) {
    return () -> {
      long began = System.nanoTime();
      call.run();
      return System.nanoTime() - began;
    };
  }

  /** Something that may fail. */
  @FunctionalInterface
  interface Call {
    void run() throws Exception;
  }
}
