package dev.pgkeeper;

import dev.pgkeeper.internal.observe.Observation;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keepers that follow one whose session was lost, one after the other and the same one for all
 * who asked. What is begun and ended for a session is so on one thread; only what is asked for is
 * begun at once on the asking thread, and ended on the thread that closes it.
 */
final class Succession {
  private static final Logger log = LoggerFactory.getLogger(Succession.class);
  private static final long PAUSE_MS = 1000;

  /** Connects once more; closing what it returns closes the session alone. */
  @FunctionalInterface
  interface Connecting {
    Keeper connect(Succession succession);
  }

  private final Connecting connecting;
  private final Observation observation = new Observation();
  private final ScheduledThreadPoolExecutor thread;
  private final List<Standing> standings = new CopyOnWriteArrayList<>();
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition changed = lock.newCondition();
  private volatile @Nullable Thread worker;

  // Guarded by the lock.
  private @Nullable Keeper latest;
  private int awaiting;
  private boolean closed;

  Succession(Connecting connecting) {
    this.connecting = connecting;
    this.thread =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread created = new Thread(task, "pgkeeper-succession");
              created.setDaemon(true);
              worker = created;
              return created;
            });
    thread.setKeepAliveTime(5, TimeUnit.SECONDS);
    thread.allowCoreThreadTimeOut(true);
    thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    thread.setRejectedExecutionHandler((task, executor) -> {});
  }

  /** Who observes one of the keepers observes those that follow it. */
  Observation observation() {
    return observation;
  }

  /** See {@link Keeper#inEachSession}. */
  Subscription inEachSession(Keeper asked, Function<Keeper, ? extends AutoCloseable> work) {
    Keeper now = begin(asked);
    Standing standing = new Standing(work);
    standings.add(standing);
    try {
      if (!now.state().isTerminal()) {
        standing.begin(now);
      }
    } catch (RuntimeException | Error e) {
      boolean ended =
          e instanceof KeeperException.SessionExpired; // which the client is yet to hear
      if (now.state() == SessionState.CLOSED || !ended && now.state() != SessionState.LOST) {
        standings.remove(standing);
        throw e;
      }
      log.debug("session {} has ended; the next one begins", now.sessionId(), e);
    }
    advanceIn(0); // it may have been lost before it stood here
    return () -> {
      standings.remove(standing);
      standing.close();
    };
  }

  /** See {@link Keeper#inPresentSession}. */
  <T extends @Nullable Object> T inPresentSession(Keeper asked, Function<Keeper, T> work) {
    long deadline = System.nanoTime() + asked.options().operationTimeout().toNanos();
    Keeper present = begin(asked);
    while (true) {
      try {
        return work.apply(present);
      } catch (KeeperException.SessionExpired e) {
        present = after(present, deadline, e);
      }
    }
  }

  /** The next one after one whose session has ended, which that one may be yet to hear. */
  private Keeper after(Keeper ended, long deadline, KeeperException.SessionExpired reason) {
    if (Thread.currentThread() == worker) {
      throw reason; // it is this thread that connects the next one
    }
    lock.lock();
    try {
      awaiting++;
      advanceIn(0);
      long left = deadline - System.nanoTime();
      while (latest == ended && !closed && left > 0) {
        left = changed.awaitNanos(left);
      }
      if (latest == null || latest == ended || closed) {
        throw reason;
      }
      return latest;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw reason;
    } finally {
      awaiting--;
      lock.unlock();
    }
  }

  /** The keeper to begin with. From the first time on, the loss of its session is looked for. */
  private Keeper begin(Keeper asked) {
    Keeper now;
    lock.lock();
    try {
      if (closed || asked.state() == SessionState.CLOSED) {
        throw new KeeperException.SessionExpired("the keeper is closed: " + asked);
      }
      if (latest != null) {
        return latest;
      }
      latest = now = asked;
    } finally {
      lock.unlock();
    }
    follow(now);
    return now;
  }

  private void follow(Keeper keeper) {
    var unused =
        keeper.onStateChange(
            state -> {
              if (state == SessionState.LOST) {
                advanceIn(0);
              }
            });
    if (keeper.state() == SessionState.LOST) {
      advanceIn(0);
    }
  }

  private void advanceIn(long ms) {
    var unused = thread.schedule(this::advance, ms, TimeUnit.MILLISECONDS);
  }

  /** Has everything that stands here stand for a session that lives. */
  private void advance() {
    Keeper now = latest();
    if (now == null || !isNeeded()) {
      return;
    }
    if (now.state() == SessionState.LOST) {
      standings.forEach(Standing::end);
      now = connectAgain(now);
    }
    if (now == null || !beginAll(now)) {
      advanceIn(PAUSE_MS);
    }
  }

  private boolean isNeeded() {
    lock.lock();
    try {
      return !standings.isEmpty() || awaiting > 0;
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Keeper latest() {
    lock.lock();
    try {
      return closed ? null : latest;
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Keeper connectAgain(Keeper lost) {
    Keeper next;
    try {
      next = connecting.connect(this);
    } catch (RuntimeException e) {
      log.info("no session after {} yet: {}", lost.sessionId(), e.getMessage());
      return null;
    }
    boolean tooLate;
    lock.lock();
    try {
      tooLate = closed;
      if (!tooLate) {
        latest = next;
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
    if (tooLate) {
      next.closeAlone();
      return null;
    }
    log.info("session {} takes the place of {}", next.sessionId(), lost.sessionId());
    lost.closeAlone();
    follow(next);
    return next;
  }

  private boolean beginAll(Keeper now) {
    boolean all = true;
    for (Standing standing : standings) {
      try {
        standing.begin(now);
      } catch (RuntimeException | Error e) {
        log.warn(
            "session {}: what was to be done in each session goes on in a second",
            now.sessionId(),
            e);
        all = false;
      }
    }
    return all;
  }

  /** Ends all that stands here, and the last keeper's session. */
  void close() {
    Keeper last;
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      last = latest;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    thread.shutdown();
    standings.forEach(Standing::close);
    if (last != null) {
      last.closeAlone();
    }
  }

  /** What one caller wants done in each session. */
  private static final class Standing {
    private final Function<Keeper, ? extends AutoCloseable> work;
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock.
    private @Nullable Keeper keeper;
    private @Nullable AutoCloseable done;
    private boolean closed;

    Standing(Function<Keeper, ? extends AutoCloseable> work) {
      this.work = work;
    }

    /** Does nothing if it was begun with this keeper. */
    void begin(Keeper now) {
      lock.lock();
      try {
        if (closed || keeper == now) {
          return;
        }
        keeper = now;
      } finally {
        lock.unlock();
      }
      AutoCloseable made = null;
      try {
        made = Objects.requireNonNull(work.apply(now), "what the work returns");
      } finally {
        made = keep(now, made);
      }
      closeQuietly(made);
    }

    /** Returns what is to be closed at once: it was ended meanwhile. */
    private @Nullable AutoCloseable keep(Keeper now, @Nullable AutoCloseable made) {
      lock.lock();
      try {
        if (made == null && keeper == now) {
          keeper = null; // to be tried again
        } else if (keeper == now) {
          done = made;
          return null;
        }
        return made;
      } finally {
        lock.unlock();
      }
    }

    /** It will be begun again. */
    void end() {
      AutoCloseable over;
      lock.lock();
      try {
        over = done;
        done = null;
        keeper = null;
      } finally {
        lock.unlock();
      }
      closeQuietly(over);
    }

    void close() {
      lock.lock();
      try {
        closed = true;
      } finally {
        lock.unlock();
      }
      end();
    }

    private static void closeQuietly(@Nullable AutoCloseable over) {
      if (over == null) {
        return;
      }
      try {
        over.close();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (Exception e) {
        log.warn("what was done in a session did not end well", e);
      }
    }
  }
}
