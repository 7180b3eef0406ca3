package dev.pgkeeper.internal.jdbc;

import dev.pgkeeper.KeeperException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * Waits a little longer after each failure, never in step with other clients, and not past its
 * deadline.
 */
public final class Backoff {
  private static final long FIRST_MS = 20;
  private static final long MOST_MS = 500;

  private final long deadline;
  private long nextMs = FIRST_MS;

  public Backoff(Duration patience) {
    this.deadline = System.nanoTime() + patience.toNanos();
  }

  /** False, and no wait, if the deadline has passed. */
  public boolean pause() {
    long ms = nextMs();
    if (ms <= 0) {
      return false;
    }
    try {
      Thread.sleep(ms);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new KeeperException.ConnectionLoss("interrupted while waiting for the database", e);
    }
    return true;
  }

  /** Pauses, whoever interrupts meanwhile. */
  boolean pause(Interrupts interrupts) {
    long ms = nextMs();
    long end = System.nanoTime() + ms * 1_000_000;
    for (long left = ms * 1_000_000; left > 0; left = end - System.nanoTime()) {
      LockSupport.parkNanos(this, left);
      var unused = interrupts.take();
    }
    return ms > 0;
  }

  private long nextMs() {
    long leftMs = (deadline - System.nanoTime()) / 1_000_000;
    long ms = ThreadLocalRandom.current().nextLong(nextMs / 2, nextMs + 1);
    nextMs = Math.min(MOST_MS, nextMs * 2);
    return Math.min(leftMs, ms);
  }
}
