package dev.pgkeeper.bench.locks;

import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Comparison;
import dev.pgkeeper.bench.Figure;
import dev.pgkeeper.bench.Histogram;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.Unavailable;
import dev.pgkeeper.bench.locks.Locks.NamedLock;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.TcpProxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of a lock whose holder is killed, closed, cut off or paused: from just before that
 * until the acquire of the next one returns. The holder is a process of its own, the next one is
 * this process, whose clock is the only one.
 */
final class FailoverCase implements Case {
  private static final Duration START_LIMIT = Duration.ofSeconds(60);

  /** More than any of them takes, at {@link Subjects#TIMEOUT}. */
  private static final Duration LIMIT = Duration.ofSeconds(90);

  /** No peer tells when an acquire has begun to wait; by then it has. */
  private static final Duration UNTIL_WAITING = Duration.ofSeconds(1);

  private static final Duration PAUSE = Duration.ofSeconds(20);

  private static final Target KILLED =
      Target.atMost(KeeperOptions.defaults().grace().plusSeconds(1).toMillis() / 1e3);

  private static final Target CLOSED = Target.atMost(0.05);

  private static final List<String> PEERS =
      List.of(Subjects.CURATOR, Subjects.REDISSON, Subjects.REDISSON_FAIR, Subjects.JETCD);

  private final AtomicInteger trials = new AtomicInteger();

  /** What happens to the holder. */
  private interface Blow {
    void strike(ChildProcess holder) throws Exception;
  }

  @Override
  public String name() {
    return "locks.failover";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    try (Subjects subjects = new Subjects(lab, report)) {
      String url = subjects.address(Subjects.PGKEEPER);
      int times = lab.isQuick() ? 2 : 5;
      tell(report, "closed", Subjects.PGKEEPER, repeat(times, url, FailoverCase::close), CLOSED);
      tell(report, "killed", Subjects.PGKEEPER, repeat(times, url, ChildProcess::kill9), KILLED);
      inParallel(url, subjects, lab, report);
    }
  }

  /** What takes long and is not measured in milliseconds, all at the same time. */
  private void inParallel(String url, Subjects subjects, Lab lab, Report report) throws Exception {
    List<Callable<@Nullable Void>> tasks = new ArrayList<>();
    tasks.add(
        () -> {
          cutOff(url, report);
          return null;
        });
    tasks.add(
        () -> {
          pause(url, report);
          return null;
        });
    if (lab.isQuick()) {
      report.setting(name() + ": in the quick form without the peers");
    } else {
      for (String peer : PEERS) {
        try {
          String address = subjects.address(peer);
          tasks.add(() -> peer(report, "closed", peer, address, FailoverCase::close));
          tasks.add(() -> peer(report, "killed", peer, address, ChildProcess::kill9));
        } catch (Unavailable e) {
          report.skipped(peer, String.valueOf(e.getMessage()));
        }
      }
    }
    ExecutorService threads = Executors.newFixedThreadPool(tasks.size());
    try {
      for (Future<?> each : threads.invokeAll(tasks)) {
        each.get();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private @Nullable Void peer(Report report, String what, String peer, String address, Blow blow)
      throws Exception {
    try {
      tell(report, what, peer, List.of(trial(peer, address, blow)), null);
    } catch (TimeoutException e) {
      report.setting(name() + "." + what + ": nobody followed " + peer + " within " + LIMIT);
    }
    return null;
  }

  /** The holder's network passes nothing any more, and nobody is told. */
  private void cutOff(String url, Report report) throws Exception {
    try (TcpProxy network = TcpProxy.before(url);
        Trial trial = new Trial(Subjects.PGKEEPER, network.through(url), url)) {
      long began = System.nanoTime();
      network.stallToServer();
      network.stallToClient();
      trial.holder.awaitLine("lost", LIMIT);
      double believed = (System.nanoTime() - began) / 1e9;
      double taken = (trial.next() - began) / 1e9;
      tell(report, "cut", Subjects.PGKEEPER, List.of(taken), null);
      tell(report, "cut.belief", Subjects.PGKEEPER, List.of(believed), null);
      report.comparison(
          new Comparison(
              name() + ".cut",
              1,
              "the holder's belief",
              "the next acquire",
              believed / taken,
              Target.atMost(1),
              null));
    }
  }

  /** The holder stops in its tracks for less than the timeout, and goes on. */
  private void pause(String url, Report report) throws Exception {
    try (Trial trial = new Trial(Subjects.PGKEEPER, url, url)) {
      trial.holder.stop();
      boolean kept = trial.waitsFor(PAUSE);
      trial.holder.cont();
      trial.holder.send("believe");
      kept &= Boolean.parseBoolean(trial.holder.awaitLine("believes ", START_LIMIT));
      kept &= trial.waitsFor(UNTIL_WAITING);
      close(trial.holder);
      trial.next();
      Figure figure =
          Figure.counted(
              name() + ".paused", Subjects.PGKEEPER, 1, "kept it (1 = yes)", kept ? 1 : 0);
      report.figure(figure);
      report.comparison(Comparison.limit(figure, Target.atLeast(1)));
    }
  }

  private static void close(ChildProcess holder) {
    holder.send("close");
  }

  private List<Double> repeat(int times, String url, Blow blow) throws Exception {
    List<Double> seconds = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      seconds.add(trial(Subjects.PGKEEPER, url, blow));
    }
    return seconds;
  }

  private double trial(String subject, String address, Blow blow) throws Exception {
    try (Trial trial = new Trial(subject, address, address)) {
      long began = System.nanoTime();
      blow.strike(trial.holder);
      return (trial.next() - began) / 1e9;
    }
  }

  /** Tells the worst, which is what a limit is for. */
  private void tell(
      Report report, String what, String subject, List<Double> seconds, @Nullable Target target) {
    Histogram all = new Histogram();
    seconds.forEach(each -> all.record((long) (each * 1e9)));
    Figure figure =
        new Figure(
            name() + "." + what,
            subject,
            1,
            seconds.size() == 1 ? "s" : "s, the worst of " + seconds.size(),
            seconds.stream().mapToDouble(Double::doubleValue).max().orElseThrow(),
            all.percentile(50) / 1e6,
            all.percentile(99) / 1e6,
            null,
            null,
            null);
    report.figure(figure);
    if (target != null) {
      report.comparison(Comparison.limit(figure, target));
    }
  }

  /** A process that holds a lock, and somebody in this one who waits for it. */
  private final class Trial implements AutoCloseable {
    final ChildProcess holder;
    private final Locks successor;
    private final FutureTask<Long> next;

    Trial(String subject, String holderAddress, String address) throws Exception {
      String lock = "failover-" + trials.incrementAndGet();
      holder =
          ChildProcess.start(
              List.of("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"),
              LockHolder.class,
              subject,
              holderAddress,
              lock);
      try {
        holder.awaitLine("holds it", START_LIMIT);
        successor = Subjects.connect(subject, address);
      } catch (Throwable e) {
        holder.close();
        throw e;
      }
      next = new FutureTask<>(() -> acquire(successor.named(lock)));
      Thread thread = new Thread(next, lock);
      thread.setDaemon(true);
      thread.start();
      if (!waitsFor(UNTIL_WAITING)) {
        close();
        throw new IllegalStateException("Two have " + lock + " of " + subject);
      }
    }

    private static long acquire(NamedLock lock) throws Exception {
      lock.acquire();
      long acquired = System.nanoTime();
      lock.release();
      return acquired;
    }

    /** Whether nobody else gets the lock for so long. */
    boolean waitsFor(Duration span) throws InterruptedException, ExecutionException {
      try {
        next.get(span.toMillis(), TimeUnit.MILLISECONDS);
        return false;
      } catch (TimeoutException e) {
        return true;
      }
    }

    /** When the next one had it. */
    long next() throws Exception {
      return next.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
    }

    @Override
    public void close() throws Exception {
      holder.close();
      successor.close();
    }
  }
}
