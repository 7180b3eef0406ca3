package dev.pgkeeper.testing;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for what no signal tells, up to a deadline. */
public final class Await {

  /** What is waited for comes much sooner on any machine; only a hang takes this long. */
  public static final Duration LIMIT = Duration.ofMinutes(2);

  /**
   * Between two looks: what comes soon is seen soon, and what takes long is not looked at often.
   */
  private static final long SHORTEST_PAUSE_MS = 2;

  private static final long LONGEST_PAUSE_MS = 50;

  private Await() {}

  /** Returns once it is so; an AssertionError that says what was missing after {@link #LIMIT}. */
  public static void until(String what, BooleanSupplier isSo) {
    until(LIMIT, what, isSo);
  }

  /** Returns once it is so; the text of the error is made when it is needed. */
  public static void until(Supplier<String> what, BooleanSupplier isSo) {
    until(LIMIT, what, isSo);
  }

  /** Returns once it is so; an AssertionError that says what was missing if it takes longer. */
  public static void until(Duration limit, String what, BooleanSupplier isSo) {
    until(limit, () -> what, isSo);
  }

  /**
   * Waits like {@link #until(Duration, String, BooleanSupplier)}, but asks what is missing only at
   * the end.
   */
  public static void until(Duration limit, Supplier<String> what, BooleanSupplier isSo) {
    long deadline = System.nanoTime() + limit.toNanos();
    long pause = SHORTEST_PAUSE_MS;
    while (!isSo.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError("Not within " + limit + ": " + what.get());
      }
      pause(Duration.ofMillis(pause));
      pause = Math.min(LONGEST_PAUSE_MS, pause * 3 / 2 + 1);
    }
  }

  /** Lets time pass where the time itself is what the test is about. */
  public static void pause(Duration span) {
    try {
      Thread.sleep(span.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted", e);
    }
  }
}
