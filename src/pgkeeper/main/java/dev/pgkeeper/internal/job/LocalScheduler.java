package dev.pgkeeper.internal.job;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.job.JobPlan;
import dev.pgkeeper.job.RunResult;
import dev.pgkeeper.job.Scheduler;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One instance of the fleet's scheduler: a timer thread that takes turns, and a few threads that
 * run jobs. A turn looks at all jobs with one query, at most once a second, and gives to the pool
 * what is due; at a tick's own moment it does so from the last look. Nothing depends on looks being
 * fresh: who tries a tick that was run finds out by its claim.
 */
final class LocalScheduler implements Scheduler, Sessions.Worker {
  private static final Logger log = LoggerFactory.getLogger(LocalScheduler.class);
  private static final Duration LOOK_EVERY = Duration.ofSeconds(1);
  private static final Duration HOUSEWORK_EVERY = Duration.ofMinutes(10);
  private static final Duration LAST_PATIENCE = Duration.ofSeconds(10);
  private static final int MOST_PRUNINGS = 100;

  private final Sessions sessions;
  private final Supplier<Runs> present;
  private final TickClock clock;
  private final Map<String, Entry> jobs = new LinkedHashMap<>();
  private final Map<String, LeaderSeat> seats = new HashMap<>();
  private final Semaphore wake = new Semaphore(0);
  private int threads = 4;
  private Duration keepRuns = Duration.ofDays(30);
  private Duration patience = Duration.ofSeconds(30);
  private volatile @Nullable ThreadPoolExecutor pool;
  private volatile @Nullable Thread timer;
  private @Nullable Subscription stopping;
  private volatile boolean closed;
  private volatile boolean stale = true;
  private boolean registered;
  private Instant lookedAt = Instant.MIN;
  private Instant houseworkAt = Instant.MIN;

  /** A job and where this instance is with it. */
  private static final class Entry {
    final PlannedJob plan;

    /** Whether a thread of the pool has it. */
    volatile boolean busy;

    volatile @Nullable Instant handled;
    JobCalls.@Nullable Look look;

    /** When its jitter is over; null while nothing is due. */
    @Nullable Instant readyAt;

    Entry(PlannedJob plan) {
      this.plan = plan;
    }
  }

  /**
   * @param present the runs of the session that there is when a call begins
   */
  LocalScheduler(Sessions sessions, Supplier<Runs> present, TickClock clock) {
    this.sessions = sessions;
    this.present = present;
    this.clock = clock;
  }

  private Runs runs() {
    return present.get();
  }

  @Override
  public JobPlan job(String name) {
    return new PlannedJob(name, this::add);
  }

  private synchronized void add(PlannedJob plan) {
    ensureNotStarted();
    if (jobs.putIfAbsent(plan.name, new Entry(plan)) != null) {
      throw new IllegalStateException("there is a job \"" + plan.name + "\" already");
    }
    String path = plan.leaderPath();
    if (path != null) {
      seats.computeIfAbsent(path, p -> new LeaderSeat(sessions, p, wake::release));
    }
  }

  private void ensureNotStarted() {
    if (timer != null || closed) {
      throw new IllegalStateException("this scheduler was started already; configure it before");
    }
  }

  @Override
  public synchronized Scheduler threads(int most) {
    ensureNotStarted();
    if (most < 1) {
      throw new IllegalArgumentException(most + " threads; use 1 or more");
    }
    threads = most;
    return this;
  }

  @Override
  public synchronized Scheduler keepRuns(Duration span) {
    ensureNotStarted();
    if (span.compareTo(Duration.ofMinutes(1)) < 0) {
      throw new IllegalArgumentException("runs are kept " + span + "; use a minute or more");
    }
    keepRuns = span;
    return this;
  }

  @Override
  public synchronized Scheduler patience(Duration span) {
    ensureNotStarted();
    if (span.isNegative()) {
      throw new IllegalArgumentException("the patience is " + span + "; use 0 or more");
    }
    patience = span;
    return this;
  }

  @Override
  public synchronized void start() {
    ensureNotStarted();
    runs().session().ensureUsable();
    AtomicInteger number = new AtomicInteger();
    pool =
        new ThreadPoolExecutor(
            threads,
            threads,
            5,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> daemon(task, "pgkeeper-job-" + number.incrementAndGet()));
    pool.allowCoreThreadTimeOut(true);
    timer = daemon(this::takeTurns, "pgkeeper-scheduler");
    timer.start();
    stopping = sessions.stopAtClose(this);
  }

  private static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  private void takeTurns() {
    while (!closed && !sessions.isClosed()) {
      Duration pause = LOOK_EVERY;
      try {
        pause = turn();
      } catch (KeeperException e) {
        log.warn("the scheduler goes on in a second: {}", e.getMessage());
      } catch (RuntimeException | Error e) {
        log.error("unexpected failure; the scheduler goes on in a second", e);
      }
      try {
        if (wake.tryAcquire(Math.max(1, pause.toMillis()), TimeUnit.MILLISECONDS)) {
          wake.drainPermits();
        }
      } catch (InterruptedException e) {
        log.debug("the scheduler's timer was interrupted", e);
      }
    }
  }

  /** Gives out what is due now, and returns how long nothing more will be. */
  Duration turn() {
    Instant now = clock.now();
    if (!registered) {
      for (Entry entry : jobs.values()) {
        Runs runs = runs();
        runs.database()
            .readOnce(runs.calls().jobRegister(entry.plan.name, entry.plan.schedule(), now));
      }
      registered = true;
      houseworkAt = now.plus(randomly(HOUSEWORK_EVERY));
    }
    if (stale || !now.isBefore(lookedAt.plus(LOOK_EVERY))) {
      look(now);
      now = clock.now();
    }
    if (!now.isBefore(houseworkAt)) {
      houseworkAt = now.plus(HOUSEWORK_EVERY);
      execute(this::housework);
    }
    Instant next = lookedAt.plus(LOOK_EVERY);
    for (Entry entry : jobs.values()) {
      Instant wanted = turn(entry, now);
      if (wanted != null && wanted.isBefore(next)) {
        next = wanted;
      }
    }
    return Duration.between(now, next);
  }

  private void look(Instant now) {
    stale = false;
    lookedAt = now;
    Runs runs = runs();
    for (JobCalls.Look look : runs.database().readOnce(runs.calls().jobLook(jobs.keySet(), now))) {
      Entry entry = jobs.get(look.job());
      if (entry != null) {
        entry.look = look;
      }
      clock.heard(look.moment());
    }
  }

  private static Duration randomly(Duration most) {
    return most.isZero()
        ? most
        : Duration.ofMillis(ThreadLocalRandom.current().nextLong(most.toMillis() + 1));
  }

  /** When this job wants a turn again; null: no earlier than the others. */
  private @Nullable Instant turn(Entry entry, Instant now) {
    JobCalls.Look look = entry.look;
    String leaderPath = entry.plan.leaderPath();
    LeaderSeat seat = leaderPath == null ? null : seats.get(leaderPath);
    if (look == null || entry.busy || seat != null && !seat.isMine()) {
      return null;
    }
    PlannedJob.Due due = entry.plan.due(look, entry.handled, now);
    if (due.skip() != null) {
      log.info("job {}: ticks up to {} were missed and are skipped", entry.plan.name, due.skip());
      Runs runs = runs();
      runs.database().readOnce(runs.calls().jobSkip(entry.plan.name, due.skip()));
      entry.handled = due.skip();
    }
    List<Tick> ticks = new ArrayList<>(look.openTicks().stream().map(Tick::found).toList());
    ticks.addAll(due.ticks());
    if (ticks.isEmpty()) {
      entry.readyAt = null;
      return due.next();
    }
    Instant readyAt = entry.readyAt;
    if (readyAt == null) {
      readyAt = now.plus(randomly(entry.plan.jitter()));
      entry.readyAt = readyAt;
    }
    if (readyAt.isAfter(now)) {
      return readyAt;
    }
    entry.readyAt = null;
    entry.busy = true;
    execute(() -> run(entry, ticks));
    return null;
  }

  private void execute(Runnable task) {
    ThreadPoolExecutor threadPool = pool;
    if (threadPool == null) {
      task.run();
    } else {
      threadPool.execute(task);
    }
  }

  private void run(Entry entry, List<Tick> ticks) {
    String name = entry.plan.name;
    try {
      for (Tick tick : ticks) {
        if (closed) {
          return;
        }
        RunResult result = runs().once(name, tick, false, entry.plan.work());
        if (result != RunResult.PAUSED && tick.time() != null) {
          entry.handled = tick.time();
        }
      }
    } catch (InterruptedException e) {
      log.warn("job {} was interrupted, because the scheduler is closing", name);
    } catch (Exception | Error e) {
      log.error("job {} failed", name, e);
    } finally {
      stale = true;
      entry.busy = false;
      wake.release();
    }
  }

  /** What any instance may do now and then. */
  void housework() {
    try {
      Runs runs = runs();
      runs.database().readOnce(runs.calls().markAbandonedRuns());
      long pruned = 1;
      for (int i = 0; i < MOST_PRUNINGS && pruned > 0 && !closed; i++) {
        pruned = runs.database().readOnce(runs.calls().pruneJobRuns(keepRuns));
      }
    } catch (KeeperException e) {
      log.debug("left to the next time, or to somebody else", e);
    }
  }

  @Override
  public synchronized void close() {
    beginToStop();
    try {
      if (!awaitEnd(patience)) {
        log.warn("a job goes on although it was interrupted; it keeps its run");
      }
    } catch (InterruptedException e) {
      if (pool != null) {
        pool.shutdownNow();
      }
      Thread.currentThread().interrupt();
    }
    seats.values().forEach(LeaderSeat::leave);
    if (stopping != null) {
      stopping.close();
    }
  }

  @Override
  public void beginToStop() {
    closed = true;
    wake.release();
  }

  /** Whatever still runs once the patience is over is interrupted. */
  @Override
  public boolean awaitEnd(Duration longest) throws InterruptedException {
    Thread thread = timer;
    if (thread != null) {
      thread.join(LAST_PATIENCE.toMillis());
    }
    ThreadPoolExecutor threadPool = pool;
    if (threadPool == null) {
      return true;
    }
    threadPool.shutdown();
    if (threadPool.awaitTermination(longest.toMillis(), TimeUnit.MILLISECONDS)) {
      return true;
    }
    threadPool.shutdownNow();
    return threadPool.awaitTermination(LAST_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
  }
}
