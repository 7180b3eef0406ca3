package dev.pgkeeper.internal.jdbc;

import dev.pgkeeper.KeeperException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

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
    long leftMs = (deadline - System.nanoTime()) / 1_000_000;
    if (leftMs <= 0) {
      return false;
    }
    try {
      Thread.sleep(Math.min(leftMs, ThreadLocalRandom.current().nextLong(nextMs / 2, nextMs + 1)));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new KeeperException.ConnectionLoss("interrupted while waiting for the database", e);
    }
    nextMs = Math.min(MOST_MS, nextMs * 2);
    return true;
  }
}
