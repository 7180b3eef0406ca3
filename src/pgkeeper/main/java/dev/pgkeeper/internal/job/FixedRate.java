package dev.pgkeeper.internal.job;

import java.time.Duration;
import java.time.Instant;

/** Multiples of a period since 1970. */
record FixedRate(Duration period) implements Timing {
  FixedRate {
    if (period.toMillis() < 1 || !period.equals(Duration.ofMillis(period.toMillis()))) {
      throw new IllegalArgumentException(
          "the period is " + period + "; use whole milliseconds, at least one");
    }
  }

  @Override
  public Instant next(Instant after) {
    long ms = period.toMillis();
    return Instant.ofEpochMilli((Math.floorDiv(after.toEpochMilli(), ms) + 1) * ms);
  }

  @Override
  public String toString() {
    return "every " + period;
  }
}
