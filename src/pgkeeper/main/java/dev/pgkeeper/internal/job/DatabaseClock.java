package dev.pgkeeper.internal.job;

import java.time.Instant;
import java.util.function.Supplier;

/**
 * The database's clock, as it was last heard, and what has passed here since. The local time of day
 * has no say in it.
 */
final class DatabaseClock implements TickClock {
  private final Supplier<Runs> present;
  private volatile Heard last = new Heard(Instant.MIN, 0);

  private record Heard(Instant time, long nanos) {}

  DatabaseClock(Supplier<Runs> present) {
    this.present = present;
  }

  @Override
  public Instant now() {
    if (last.time.equals(Instant.MIN)) {
      Runs runs = present.get();
      heard(runs.database().readOnce(runs.calls().now()));
    }
    Heard heard = last;
    return heard.time.plusNanos(System.nanoTime() - heard.nanos);
  }

  @Override
  public void heard(Instant databaseTime) {
    last = new Heard(databaseTime, System.nanoTime());
  }
}
