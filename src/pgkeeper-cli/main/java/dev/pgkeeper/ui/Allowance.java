package dev.pgkeeper.ui;

import java.time.Duration;

/**
 * How much time looking may take: a two hundredth of all, so that both sides of it together stay
 * below a hundredth of a core. What is not used is kept, up to a limit, for when much happens.
 */
final class Allowance {
  private static final int PART = 200;
  private static final long MOST_NANOS = Duration.ofSeconds(1).toNanos();

  private long left = MOST_NANOS;
  private long earnedUntil;

  Allowance(long now) {
    earnedUntil = now;
  }

  /** Some time was spent. */
  void spend(long nanos, long now) {
    left = Math.min(MOST_NANOS, left + (now - earnedUntil) / PART) - nanos;
    earnedUntil = now;
  }

  /** How long it is until there is something left again. */
  long rest() {
    return Math.max(0, -left * PART);
  }
}
