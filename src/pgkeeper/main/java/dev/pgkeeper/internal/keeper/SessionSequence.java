package dev.pgkeeper.internal.keeper;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperHealth;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.Session;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.line.SharedLine;
import dev.pgkeeper.internal.meeting.SharedMeeting;
import dev.pgkeeper.internal.observe.Observation;
import dev.pgkeeper.internal.queue.PresentQueues;
import dev.pgkeeper.internal.queue.Queues;
import dev.pgkeeper.internal.session.EventThread;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.internal.tree.PresentTree;
import dev.pgkeeper.line.Line;
import dev.pgkeeper.line.Meeting;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.TreeOperations;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A keeper's sessions. When the database has ended one, a thread of this opens the next, and tries
 * for as long as that takes; then it does again what is to be done in each session. Nobody else
 * replaces the latest session, and a session never comes back.
 *
 * <pre>
 *   open ──▶ present ──lost──▶ none ──opened──▶ present …
 *               │                │
 *               └────close───────┴──▶ closed
 * </pre>
 *
 * <p>What is begun and ended for a session is so on that one thread, in this order: all ends that
 * was begun in the lost one; the next is opened, and is the present one for every call from then
 * on; the lost one's threads and connection are closed; all is begun again. Only what is asked for
 * is begun at once on the asking thread, and ended on the thread that closes it.
 *
 * <p>A process that stops between any two of these steps loses nothing that the database does not
 * know: what it had opened runs out by itself.
 */
public final class SessionSequence implements Sessions {
  private static final Logger log = LoggerFactory.getLogger(SessionSequence.class);
  private static final long FIRST_PAUSE_MS = 100;
  private static final long LONGEST_PAUSE_MS = 10_000;
  private static final long PAUSE_AFTER_FAILED_WORK_MS = 1000;

  private final KeeperOptions options;
  private final BackgroundThreads background = new BackgroundThreads();
  private final Observation observation = new Observation();
  private final EventThread events = new EventThread("pgkeeper-events", observation);
  private final SessionOpener opener;
  private final Tree tree = new PresentTree(() -> present().tree());
  private final List<Standing> standings = new CopyOnWriteArrayList<>();
  private final List<Worker> workers = new CopyOnWriteArrayList<>();
  private final List<Consumer<SessionState>> stateListeners = new CopyOnWriteArrayList<>();
  private final ScheduledThreadPoolExecutor thread = oneThread();

  /** That thread while it works: what it closes would otherwise wait for itself. */
  private volatile @Nullable Thread worker;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  // Changed under the lock, and told with the condition.
  private volatile OpenSession latest;
  private volatile boolean closed;

  /** Only the thread uses these, but for who tells what went wrong. */
  private int failures;

  private volatile @Nullable RuntimeException failure;

  /** Only the event thread uses it. */
  private SessionState told = SessionState.HELD;

  /**
   * Opens the first one.
   *
   * @throws RuntimeException if that cannot be done; see {@link dev.pgkeeper.Keeper#connect}
   */
  public SessionSequence(DataSource dataSource, KeeperOptions options) {
    this.options = options;
    this.opener = new SessionOpener(dataSource, options, observation, events, background);
    boolean opened = false;
    try {
      this.latest = opener.open(() -> advanceIn(0));
      opened = true;
    } finally {
      if (!opened) {
        events.finish();
        background.shutdownNow();
      }
    }
    follow(latest);
  }

  private ScheduledThreadPoolExecutor oneThread() {
    ScheduledThreadPoolExecutor one =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread created = new Thread(task, "pgkeeper-sessions");
              created.setDaemon(true);
              worker = created;
              return created;
            });
    one.setKeepAliveTime(5, TimeUnit.SECONDS);
    one.allowCoreThreadTimeOut(true);
    one.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    one.setRejectedExecutionHandler((task, executor) -> {});
    return one;
  }

  @Override
  public KeeperOptions options() {
    return options;
  }

  public Executor background() {
    return background;
  }

  public Observation observation() {
    return observation;
  }

  // What callers ask for.

  @Override
  public OpenSession present() {
    OpenSession now = latest;
    return now.client().hasEnded() ? after(now) : now;
  }

  /** The last one that was opened, ended or not. */
  public OpenSession latest() {
    return latest;
  }

  /** Waits for the next one. */
  private OpenSession after(OpenSession ended) {
    long left = options.operationTimeout().toNanos();
    lock.lock();
    try {
      while (latest == ended && !closed && left > 0 && Thread.currentThread() != worker) {
        left = changed.awaitNanos(left);
      }
      if (latest == ended) {
        ensureOpen();
        throw new KeeperException.ConnectionLoss(
            "session "
                + ended.id()
                + " has ended, and no other one could be opened within "
                + options.operationTimeout()
                + (failure == null ? "" : ": " + failure.getMessage())
                + ". The keeper goes on trying",
            failure);
      }
      return latest;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new KeeperException.ConnectionLoss(
          "interrupted while session " + ended.id() + " had ended and there was no other one", e);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public <T extends @Nullable Object> T inPresent(Function<Session, T> work) {
    long began = System.nanoTime();
    while (true) {
      OpenSession now = present();
      try {
        return work.apply(now);
      } catch (KeeperException.SessionExpired e) {
        boolean over = System.nanoTime() - began > options.operationTimeout().toNanos();
        if (over || !now.client().hasEnded()) {
          throw e;
        }
      }
    }
  }

  @Override
  public boolean isClosed() {
    return closed;
  }

  /** Fails if the keeper is closed. */
  public void ensureOpen() {
    if (closed) {
      throw new IllegalStateException(
          "this keeper was closed (session " + latest.id() + "); connect again for a new one");
    }
  }

  @Override
  public Tree tree() {
    return tree;
  }

  @Override
  public TreeOperations tree(Connection connection) {
    Objects.requireNonNull(connection, "connection");
    return present().tree(connection);
  }

  @Override
  public Line line(String path, String recipe, int permits) {
    ensureOpen();
    return new SharedLine(
        () -> present().lines(), background, options.chroot(), path, recipe, permits);
  }

  @Override
  public Meeting meeting(String path, int size) {
    ensureOpen();
    return new SharedMeeting(() -> present().meetings(), options.chroot(), path, size);
  }

  /** The database, for the session that there is now. */
  public Database database() {
    OpenSession now = present();
    now.client().ensureUsable();
    return now.database();
  }

  /** The queues as the session sees them that there is at each call. */
  public PresentQueues queues() {
    return new PresentQueues() {
      @Override
      public Queues now() {
        return present().queues();
      }

      @Override
      public Subscription inEach(Function<Queues, AutoCloseable> work) {
        return SessionSequence.this.inEach(session -> work.apply(((OpenSession) session).queues()));
      }

      @Override
      public Subscription stopAtClose(Worker worker) {
        return SessionSequence.this.stopAtClose(worker);
      }
    };
  }

  // How it is.

  public SessionState state() {
    return closed ? SessionState.CLOSED : latest.state();
  }

  public KeeperHealth health(Duration patience) {
    KeeperHealth health = latest.client().health(patience);
    return closed ? health.closed() : health;
  }

  public Subscription onStateChange(Consumer<SessionState> listener) {
    stateListeners.add(Objects.requireNonNull(listener, "listener"));
    return () -> stateListeners.remove(listener);
  }

  private void follow(OpenSession opened) {
    events.tell(() -> tell(SessionState.HELD));
    var unused = opened.onStateChange(this::tell);
    SessionState now = opened.client().state(); // it may have changed before anybody listened
    events.tell(() -> tell(now));
  }

  private void tell(SessionState now) {
    if (now == told) {
      return;
    }
    told = now;
    for (Consumer<SessionState> listener : stateListeners) {
      try {
        listener.accept(now);
      } catch (RuntimeException e) {
        log.error("a listener for states failed", e);
      }
    }
  }

  // What outlives a session.

  @Override
  public Subscription inEach(
      Closing closing, Function<? super Session, ? extends AutoCloseable> work) {
    ensureOpen();
    OpenSession now = latest;
    Standing standing = new Standing(closing, Objects.requireNonNull(work, "work"));
    standings.add(standing);
    try {
      if (!now.client().hasEnded()) {
        standing.begin(now);
      }
    } catch (RuntimeException | Error e) {
      if (closed || !now.client().hasEnded()) {
        standings.remove(standing);
        throw e;
      }
      log.debug("session {} has ended; the next one begins", now.id(), e);
    }
    advanceIn(0); // it may have been lost before it stood here
    return () -> {
      standings.remove(standing);
      standing.close();
    };
  }

  @Override
  public Subscription stopAtClose(Worker one) {
    workers.add(one);
    return () -> workers.remove(one);
  }

  private void advanceIn(long ms) {
    var unused = thread.schedule(this::advance, ms, TimeUnit.MILLISECONDS);
  }

  /** Has everything that stands here stand for a session that lives. */
  private void advance() {
    OpenSession now = latest;
    if (closed) {
      return;
    }
    if (now.client().hasEnded()) {
      standings.forEach(Standing::end);
      now = openAfter(now);
    }
    if (now != null && !beginAll(now)) {
      advanceIn(PAUSE_AFTER_FAILED_WORK_MS);
    }
  }

  /** Null if it cannot be opened yet, or need not be any more. */
  private @Nullable OpenSession openAfter(OpenSession lost) {
    OpenSession next;
    try {
      next = opener.open(() -> advanceIn(0));
    } catch (RuntimeException e) {
      tryAgainAfter(lost, e);
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
      next.close();
      return null;
    }
    failures = 0;
    failure = null;
    log.info("session {} opened in place of session {}", next.id(), lost.id());
    follow(next);
    lost.close();
    return next;
  }

  private void tryAgainAfter(OpenSession lost, RuntimeException e) {
    RuntimeException before = failure;
    if (before == null || !Objects.equals(before.getMessage(), e.getMessage())) {
      log.warn("no session after session {} yet, trying again: {}", lost.id(), e.getMessage());
    } else {
      log.debug("no session after session {} yet: {}", lost.id(), e.getMessage());
    }
    failure = e;
    long pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS << Math.min(failures++, 10));
    // Not all clients of a database that comes back ask at one moment.
    advanceIn(pause - ThreadLocalRandom.current().nextLong(pause / 4));
  }

  private boolean beginAll(OpenSession now) {
    boolean all = true;
    for (Standing standing : standings) {
      try {
        standing.begin(now);
      } catch (RuntimeException | Error e) {
        log.warn(
            "session {}: work that is to be done in each session failed, trying again in a second",
            now.id(),
            e);
        all = false;
      }
    }
    return all;
  }

  // The end.

  /**
   * Ends everything in order: registrations, then what works, then all else that stands here, then
   * the session. What does not end in time loses the session under it; then this returns false.
   */
  public boolean close(Duration patience) {
    lock.lock();
    try {
      if (closed) {
        return true;
      }
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    thread.shutdown();
    boolean inTime = endStandings(System.nanoTime() + patience.toNanos());
    latest.close();
    events.tell(() -> tell(SessionState.CLOSED));
    events.finish();
    background.finish();
    return inTime;
  }

  /** On a thread of its own: it may have to wait for a database that is away. */
  private boolean endStandings(long deadline) {
    if (standings.isEmpty() && workers.isEmpty()) {
      return true;
    }
    CompletableFuture<Boolean> ended = new CompletableFuture<>();
    Thread ending =
        new Thread(
            () -> {
              try {
                ended.complete(endInOrder(deadline));
              } catch (RuntimeException | Error e) {
                ended.completeExceptionally(e);
              }
            },
            "pgkeeper-close");
    ending.setDaemon(true);
    ending.start();
    boolean inTime = false;
    try {
      inTime = ended.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      log.error("session {}: not everything was closed in order", latest.id(), e.getCause());
    } catch (TimeoutException e) {
      log.debug("session {}: not everything was closed in time", latest.id(), e);
    }
    if (!inTime) {
      log.warn(
          "session {} ends although some work in it still runs: others get what was not finished",
          latest.id());
    }
    return inTime;
  }

  private boolean endInOrder(long deadline) {
    standings.stream()
        .filter(standing -> standing.closing == Closing.REGISTRATION)
        .forEach(Standing::close);
    boolean inTime = true;
    try {
      workers.forEach(Worker::beginToStop);
      for (Worker one : workers) {
        long left = Math.max(0, deadline - System.nanoTime());
        inTime &= one.awaitEnd(Duration.ofNanos(left));
      }
    } catch (InterruptedException e) {
      inTime = false;
    }
    standings.forEach(Standing::close);
    return inTime;
  }
}
