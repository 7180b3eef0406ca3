package dev.pgkeeper.internal.queue;

import java.util.concurrent.TimeUnit;

/**
 * How long to wait before looking again where no ring will come: somebody enqueues just now, or has
 * the key of what waits, or rings do not reach this client.
 */
final class Pauses {
  private static final long LONGEST_POLL_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final long mostNanos;
  private long nanos = TimeUnit.MILLISECONDS.toNanos(1);

  Pauses(QueueSession session) {
    long sweep = session.sweep().toNanos();
    this.mostNanos = session.hearsRings() ? sweep : Math.min(sweep, LONGEST_POLL_NANOS);
  }

  /** Until this {@link System#nanoTime}; twice as long each time. */
  long next() {
    long until = System.nanoTime() + nanos;
    nanos = Math.min(mostNanos, 2 * nanos);
    return until;
  }

  void reset() {
    nanos = TimeUnit.MILLISECONDS.toNanos(1);
  }
}
