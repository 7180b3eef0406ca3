package dev.pgkeeper.bench.locks;

import dev.pgkeeper.bench.Comparison;
import dev.pgkeeper.bench.Figure;
import dev.pgkeeper.bench.Histogram;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.locks.Locks.NamedLock;
import dev.pgkeeper.testing.ChildProcess;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A process that holds a lock, and somebody in this one who waits for it: from just before
 * something happens to the holder until the acquire of the next one returns. This process's clock
 * is the only one.
 */
final class FailoverTrial implements AutoCloseable {
  /** What the results carry. */
  static final String CASE = "locks.failover";

  static final Duration START_LIMIT = Duration.ofSeconds(60);

  /** More than any of them takes, at {@link Subjects#TIMEOUT}. */
  static final Duration LIMIT = Duration.ofSeconds(90);

  /** No peer tells when an acquire has begun to wait; by then it has. */
  static final Duration UNTIL_WAITING = Duration.ofSeconds(1);

  private static final AtomicInteger NUMBERS = new AtomicInteger();

  /** What happens to the holder. */
  interface Blow {
    void strike(ChildProcess holder) throws Exception;
  }

  final ChildProcess holder;
  private final Locks successor;
  private final FutureTask<Long> next;

  FailoverTrial(String subject, String holderAddress, String address) throws Exception {
    String lock = "failover-" + NUMBERS.incrementAndGet();
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

  /** How many seconds after the blow the next one has the lock. */
  static double seconds(String subject, String address, Blow blow) throws Exception {
    try (FailoverTrial trial = new FailoverTrial(subject, address, address)) {
      long began = System.nanoTime();
      blow.strike(trial.holder);
      return (trial.next() - began) / 1e9;
    }
  }

  /** The holder's client is told to close. */
  static void closed(ChildProcess holder) {
    holder.send("close");
  }

  /** Tells the worst, which is what a limit is for. */
  static void tell(
      Report report, String what, String subject, List<Double> seconds, @Nullable Target target) {
    Histogram all = new Histogram();
    seconds.forEach(each -> all.record((long) (each * 1e9)));
    Figure figure =
        new Figure(
            CASE + "." + what,
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
