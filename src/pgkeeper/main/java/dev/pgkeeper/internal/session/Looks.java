package dev.pgkeeper.internal.session;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.watch.EventThread;
import dev.pgkeeper.internal.watch.Seen;
import dev.pgkeeper.internal.watch.Watches;
import dev.pgkeeper.tree.NodeSums;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a client looks at in the database: what was rung for, everything now and then (a sweep), and
 * everything once its connection is back. On a thread of its own and with borrowed connections, as
 * any operation, so that a long look or an exhausted pool delays no heartbeat. What could not be
 * looked at is looked at later.
 */
final class Looks {
  private static final Logger log = LoggerFactory.getLogger(Looks.class);
  private static final int AT_ONCE = 2000;
  private static final int LARGE_SUBTREE = 500;
  private static final int MOST_PATHS = 10_000;

  /** Nobody says when there is something to sweep, or looks overtook each other. */
  private static final long LONGEST_REST_NANOS = 800_000_000;

  /** Sweeps take a twentieth of the time at most. */
  private static final int REST_AFTER_A_SWEEP = 20;

  private static final long LONGEST_PAUSE_MS = 500;

  private final Database database;
  private final SessionCalls calls;
  private final ClientSession session;
  private final Watches watches;
  private final SessionServices services;
  private final Syncs syncs;
  private final EventThread events;
  private final Thread thread;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition something = lock.newCondition();

  // Guarded by the lock.
  private Wanted wanted = new Wanted();
  private long sweepEvery;
  private long nextSweep;
  private boolean stopped;

  /** What is to be looked at; what has been is taken out. */
  private static final class Wanted {
    final Set<String> paths = new LinkedHashSet<>();
    final Set<String> syncs = new LinkedHashSet<>();

    /** When the first of it was heard of; {@link System#nanoTime}. */
    @Nullable Long heardAt;

    /** Too many paths to keep them, so all that is watched. */
    boolean everything;

    boolean returned;
    boolean sweep;

    boolean isNothing() {
      return paths.isEmpty() && syncs.isEmpty() && !everything && !returned && !sweep;
    }

    /** Anybody can ring for any path, so not all of them are kept. */
    void add(Collection<String> more) {
      paths.addAll(more);
      if (paths.size() > MOST_PATHS) {
        paths.clear();
        everything = true;
      }
    }

    /** Adds what came later to what is wanted. */
    void add(Wanted later) {
      add(later.paths);
      syncs.addAll(later.syncs);
      everything |= later.everything;
      returned |= later.returned;
      sweep |= later.sweep;
      if (heardAt == null) {
        heardAt = later.heardAt;
      }
    }
  }

  Looks(
      Database database,
      SessionCalls calls,
      ClientSession session,
      Watches watches,
      SessionServices services,
      Syncs syncs,
      EventThread events) {
    this.database = database;
    this.calls = calls;
    this.session = session;
    this.watches = watches;
    this.services = services;
    this.syncs = syncs;
    this.events = events;
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

  /** These paths were rung for; those who ask in {@code asked} wait until that has been told. */
  void rung(Collection<String> paths, Collection<String> asked) {
    lock.lock();
    try {
      if (wanted.heardAt == null) {
        wanted.heardAt = System.nanoTime();
      }
      wanted.add(paths);
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
        wanted.add(watches.takeLookAgain());
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
    return System.nanoTime() - nextSweep >= 0
        && !(watches.isEmpty() && watches.hintsNobody() && services.isIdle());
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
    events.beginRing(now.heardAt == null ? System.nanoTime() : now.heardAt);
    try {
      if (now.returned) {
        lookAtAllAgain();
        now.returned = false;
      } else if (now.everything) {
        lookAtAll(database::readOnce);
      }
      now.everything = false;
      look(database::readOnce, new ArrayList<>(now.paths));
      now.paths.clear();
    } finally {
      events.endRing();
    }
    syncs.heard(now.syncs);
    now.syncs.clear();
    if (now.sweep) {
      sweep();
      now.sweep = false;
    }
  }

  private void lookAtAllAgain() {
    if (session.hearsRings()) {
      List<Watches.Registration> registrations = watches.allRegistrations();
      inParts(registrations, some -> database.readOnce(calls.watchAgain(session.id(), some)));
    }
    services.returned(database::readOnce);
    watches.hintAnywhere();
    lookAtAll(database::readOnce);
  }

  /** Compares these paths with the database, and tells what differs; on any thread. */
  void look(Caller caller, List<String> paths) {
    inParts(
        paths,
        some -> {
          long look = watches.beginLook();
          Map<String, Seen> states = caller.call(calls.watchStates(some));
          some.forEach(path -> watches.saw(path, states.getOrDefault(path, Seen.ABSENT), look));
        });
  }

  private static <T> void inParts(List<T> all, Consumer<List<T>> action) {
    for (int from = 0; from < all.size(); from += AT_ONCE) {
      action.accept(all.subList(from, Math.min(all.size(), from + AT_ONCE)));
    }
  }

  /** Looks at everything that is watched. */
  void lookAtAll(Caller caller) {
    look(caller, watches.allPaths());
    for (String root : watches.allTrees()) {
      if (!isUnchanged(caller, root)) {
        long look = watches.beginLook();
        watches.sawAll(root, caller.call(calls.watchSubtree(root)), look);
      }
    }
  }

  /** Of a large subtree three sums tell it. */
  private boolean isUnchanged(Caller caller, String root) {
    NodeSums known = watches.sumsOf(root);
    if (known == null || known.nodes() < LARGE_SUBTREE) {
      return false;
    }
    NodeSums there = caller.call(calls.nodeSums(root));
    return there.nodes() == known.nodes()
        && there.czxids() == known.czxids()
        && there.mzxids() == known.mzxids();
  }

  /** Compares everything that is watched with the database, and forgets what nobody waits for. */
  private void sweep() {
    long began = System.nanoTime();
    services.sweep(database::readOnce);
    if (!watches.isEmpty() || !watches.hintsNobody()) {
      forget(watches.takeIdle());
      watches.hintSweep();
      lookAtAll(database::readOnce);
    }
    long ended = System.nanoTime();
    lock.lock();
    try {
      nextSweep = ended + Math.max(sweepEvery, REST_AFTER_A_SWEEP * (ended - began));
    } finally {
      lock.unlock();
    }
  }

  private void forget(List<Watches.Registration> idle) {
    if (idle.isEmpty() || !session.hearsRings()) {
      return;
    }
    database.readOnce(calls.watchForget(session.id(), idle));
    List<Watches.Registration> stillWanted = watches.stillWanted(idle);
    if (!stillWanted.isEmpty()) {
      database.readOnce(calls.watchAgain(session.id(), stillWanted));
    }
  }
}
