package dev.pgkeeper.internal.queue;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A row of claim as far as this client knows: messages that were taken together. Those that have
 * not left it can be acked as a whole, which is cheaper, if all of them go at once and none is just
 * on its way out.
 */
final class Claim {
  private static final long LONG_NANOS = TimeUnit.MINUTES.toNanos(1);

  final long number;
  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock: without it two parts of a claim could both take themselves for the whole
  // of it.

  /** Messages that have not left. */
  private int open;

  /** Of those, messages that are on their way out. */
  private int leaving;

  /** When it is certainly still there; null: as long as the session is. */
  private @Nullable Long leasedUntil;

  /**
   * @param sentAt a {@link System#nanoTime} before it was asked for
   */
  Claim(long number, int messages, @Nullable Duration lease, long sentAt) {
    this.number = number;
    this.open = messages;
    this.leasedUntil = lease == null ? null : sentAt + lease.toNanos();
  }

  /** Of {@code messages} that leave now: whether that is all of it. */
  boolean leave(int messages) {
    lock.lock();
    try {
      boolean whole = leaving == 0 && messages == open;
      leaving += messages;
      return whole;
    } finally {
      lock.unlock();
    }
  }

  /** They did not leave. */
  void stay(int messages) {
    lock.lock();
    try {
      leaving -= messages;
    } finally {
      lock.unlock();
    }
  }

  /** Notes that so many messages are out of the claim. Returns whether nothing is left of it. */
  boolean left(int messages) {
    lock.lock();
    try {
      leaving -= messages;
      open -= messages;
      return open == 0;
    } finally {
      lock.unlock();
    }
  }

  boolean isShared() {
    lock.lock();
    try {
      return open > 1;
    } finally {
      lock.unlock();
    }
  }

  void extend(Duration lease, long sentAt) {
    lock.lock();
    try {
      leasedUntil = sentAt + lease.toNanos();
    } finally {
      lock.unlock();
    }
  }

  /** What is left of the lease; null: it has none. */
  @Nullable Duration leaseLeft() {
    lock.lock();
    try {
      return leasedUntil == null
          ? null
          : Duration.ofNanos(Math.max(0, leasedUntil - System.nanoTime()));
    } finally {
      lock.unlock();
    }
  }

  boolean isLongOver() {
    lock.lock();
    try {
      return leasedUntil != null && System.nanoTime() - leasedUntil > LONG_NANOS;
    } finally {
      lock.unlock();
    }
  }

  /** A claim of one of its messages, with the same lease. */
  Claim split(long newNumber) {
    lock.lock();
    try {
      Claim one = new Claim(newNumber, 1, null, 0);
      one.leasedUntil = leasedUntil;
      return one;
    } finally {
      lock.unlock();
    }
  }
}
