package dev.pgkeeper.internal.session;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.jdbc.Database;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * When a session's services look at the database: once something was rung for, now and then (a
 * sweep), and once the connection is back. They look on a thread of their own and with borrowed
 * connections, as any operation, so that a long look or an exhausted pool delays no heartbeat. What
 * could not be looked at is looked at later.
 */
final class Looks {
  private static final Logger log = LoggerFactory.getLogger(Looks.class);

  /** Nobody says when there is something to sweep, or when looks overtook each other. */
  private static final long LONGEST_REST_NANOS = 800_000_000;

  /** Sweeps take a twentieth of the time at most. */
  private static final int REST_AFTER_A_SWEEP = 20;

  private static final long LONGEST_PAUSE_MS = 500;

  private final Database database;
  private final ClientSession session;
  private final SessionServices services;
  private final Syncs syncs;
  private final Thread thread;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition something = lock.newCondition();

  // Guarded by the lock.
  private Wanted wanted = new Wanted();
  private long sweepEvery;
  private long nextSweep;
  private boolean stopped;

  /** What is wanted of the next look; what has been done is taken out. */
  private static final class Wanted {
    /** Those who wait until what was rung before them has been looked at. */
    final Set<String> syncs = new LinkedHashSet<>();

    boolean look;
    boolean returned;
    boolean sweep;

    boolean isNothing() {
      return syncs.isEmpty() && !look && !returned && !sweep;
    }

    /** Adds what came later. */
    void add(Wanted later) {
      syncs.addAll(later.syncs);
      look |= later.look;
      returned |= later.returned;
      sweep |= later.sweep;
    }
  }

  Looks(Database database, ClientSession session, SessionServices services, Syncs syncs) {
    this.database = database;
    this.session = session;
    this.services = services;
    this.syncs = syncs;
    thread = new Thread(this::run, "pgkeeper-looks");
    thread.setDaemon(true);
  }

  void start(Duration every) {
    sweep(every);
    thread.setName("pgkeeper-looks-" + session.id());
    thread.start();
  }

  /** From now on everything is looked at so often. */
  void sweep(Duration every) {
    lock.lock();
    try {
      sweepEvery = every.toNanos();
      nextSweep = System.nanoTime() + sweepEvery;
      something.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Ends once the look that is under way has. */
  void stop() {
    lock.lock();
    try {
      stopped = true;
      something.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Stops, and waits for so long until it has ended. */
  void stop(Duration longest) throws InterruptedException {
    stop();
    if (thread != Thread.currentThread()) {
      thread.join(longest.toMillis());
    }
  }

  /**
   * A service has been rung for something; those who ask in {@code asked} wait until it has looked.
   */
  void rung(Collection<String> asked) {
    lock.lock();
    try {
      wanted.look = true;
      wanted.syncs.addAll(asked);
      something.signal();
    } finally {
      lock.unlock();
    }
  }

  /** The connection is back after a break: rings were lost, and perhaps registrations. */
  void returned() {
    lock.lock();
    try {
      wanted.returned = true;
      wanted.syncs.addAll(syncs.current());
      something.signal();
    } finally {
      lock.unlock();
    }
  }

  private void run() {
    int failures = 0;
    long pause = 0;
    for (Wanted now = next(pause); now != null; now = next(pause)) {
      long began = System.nanoTime();
      try {
        perform(now);
        failures = 0;
        pause = 0;
        continue;
      } catch (KeeperException e) {
        log.debug("session {}: looked at later: {}", session.id(), e.getMessage());
      } catch (RuntimeException | Error e) {
        log.error("session {}: unexpected failure of a look", session.id(), e);
      }
      putBack(now);
      pause = pauseAfter(++failures, System.nanoTime() - began);
    }
  }

  /** What takes long in vain takes half of the time at most. */
  private static long pauseAfter(int failures, long spent) {
    long ms = Math.min(LONGEST_PAUSE_MS, 10L << Math.min(failures - 1, 6));
    return Math.max(TimeUnit.MILLISECONDS.toNanos(ms), spent);
  }

  /** What is to be looked at next, after a pause if the last look failed; null at the end. */
  private @Nullable Wanted next(long pause) {
    lock.lock();
    try {
      pause(pause);
      while (!stopped) {
        wanted.look |= services.isBehind();
        wanted.sweep |= isSweepDue();
        if (!wanted.isNothing()) {
          Wanted next = wanted;
          wanted = new Wanted();
          return next;
        }
        long untilSweep = Math.max(1, nextSweep - System.nanoTime());
        var unused = something.awaitNanos(Math.min(untilSweep, LONGEST_REST_NANOS));
      }
    } catch (InterruptedException e) {
      log.warn("{} was interrupted and ends", thread.getName());
    } finally {
      lock.unlock();
    }
    return null;
  }

  private void pause(long nanos) throws InterruptedException {
    long left = nanos;
    while (left > 0 && !stopped) {
      left = something.awaitNanos(left);
    }
  }

  private boolean isSweepDue() {
    return System.nanoTime() - nextSweep >= 0 && !services.isIdle();
  }

  private void putBack(Wanted unseen) {
    lock.lock();
    try {
      unseen.add(wanted);
      wanted = unseen;
    } finally {
      lock.unlock();
    }
  }

  private void perform(Wanted now) {
    if (now.returned) {
      services.returned(database::readOnce);
      now.returned = false;
    }
    services.look(database::readOnce);
    now.look = false;
    syncs.heard(now.syncs);
    now.syncs.clear();
    if (now.sweep) {
      sweep();
      now.sweep = false;
    }
  }

  private void sweep() {
    long began = System.nanoTime();
    services.sweep(database::readOnce);
    long ended = System.nanoTime();
    lock.lock();
    try {
      nextSweep = ended + Math.max(sweepEvery, REST_AFTER_A_SWEEP * (ended - began));
    } finally {
      lock.unlock();
    }
  }
}
