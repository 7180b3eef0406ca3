package dev.pgkeeper.internal.guard;

import java.time.Instant;

/**
 * The database's clock, as it was last heard, and what has passed here since. The local time of day
 * has no say in it.
 */
final class DatabaseClock implements TickClock {
  private final Runs runs;
  private volatile Heard last = new Heard(Instant.MIN, 0);

  private record Heard(Instant time, long nanos) {}

  DatabaseClock(Runs runs) {
    this.runs = runs;
  }

  @Override
  public Instant now() {
    if (last.time.equals(Instant.MIN)) {
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
