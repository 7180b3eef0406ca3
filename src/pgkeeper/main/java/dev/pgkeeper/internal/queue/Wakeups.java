package dev.pgkeeper.internal.queue;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Who in this process sleeps until there is something in one queue. A ring wakes one of them. By
 * being rung, the session is no longer registered; so whoever was woken wakes the next one when it
 * has taken something, until one finds nothing and registers the session again.
 */
final class Wakeups {
  /** Somebody who sleeps. */
  @FunctionalInterface
  interface Sleeper {
    /** Look again. Quick, for it is called on the session's thread. */
    void wake();
  }

  private final ReentrantLock lock = new ReentrantLock();
  private final Queue<Sleeper> asleep = new ArrayDeque<>();

  /** How many look now, and will look again if they are rung meanwhile. */
  private int awake;

  /** How often it was rung; whoever looks compares it with what it was before. */
  private long rung;

  /** How often it was rung: read before looking whether there is something. */
  long rung() {
    lock.lock();
    try {
      return rung;
    } finally {
      lock.unlock();
    }
  }

  /** Somebody looks, and will sleep if there is nothing. */
  void enter() {
    lock.lock();
    try {
      awake++;
    } finally {
      lock.unlock();
    }
  }

  void exit() {
    lock.lock();
    try {
      awake--;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Sleeps until somebody rings. Returns false if that has happened since it looked, so look again.
   */
  boolean sleep(Sleeper sleeper, long seen) {
    lock.lock();
    try {
      return rung == seen && asleep.add(sleeper);
    } finally {
      lock.unlock();
    }
  }

  /** Stops sleeping. Returns false if it was woken. */
  boolean leave(Sleeper sleeper) {
    lock.lock();
    try {
      return asleep.remove(sleeper);
    } finally {
      lock.unlock();
    }
  }

  /** Wakes a sleeper. Returns false if nobody is here who would look. */
  boolean ring() {
    Sleeper woken;
    lock.lock();
    try {
      rung++;
      woken = asleep.poll();
      if (woken == null) {
        return awake > 0;
      }
    } finally {
      lock.unlock();
    }
    woken.wake();
    return true;
  }

  /** For all of them, and for those that are just falling asleep: the session has ended. */
  void ringAll() {
    do {
      ring();
    } while (hasSleepers());
  }

  boolean hasSleepers() {
    lock.lock();
    try {
      return !asleep.isEmpty();
    } finally {
      lock.unlock();
    }
  }
}
