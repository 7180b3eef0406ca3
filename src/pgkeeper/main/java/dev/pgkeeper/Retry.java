package dev.pgkeeper;

import java.sql.SQLException;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does something again that has failed for a reason that passes, with pauses that grow, differ from
 * client to client, and end at an interrupt.
 *
 * <pre>{@code
 * Retry.defaults().within(Duration.ofMinutes(10)).run(() -> keeper.tree().set("/shop/sign", data));
 * }</pre>
 *
 * <p>pgkeeper's operations need none of this for as long as {@code withOperationTimeout} says: they
 * repeat reads, and find out what became of a change whose reply was lost. This is for longer
 * outages, and for work of several operations or in a transaction of the caller's. What is repeated
 * are failures after which nothing was done:
 *
 * <ul>
 *   <li>{@link KeeperException.ConnectionLoss}: the database could not be reached;
 *   <li>a transaction that the database rolled back because of a deadlock or a serialization
 *       failure (SQLSTATE 40P01 and 40001), as a {@link KeeperException.DatabaseError} or as the
 *       {@link SQLException} itself. The work has to begin the transaction anew.
 * </ul>
 *
 * <p>{@link KeeperException.OutcomeUnknown} is not: a commit of the caller's may have been done,
 * and would be done twice. Where that does no harm, because the work comes to the same however
 * often it is done, say so with {@link #evenIfOutcomeUnknown}. Answers such as {@link
 * KeeperException.BadVersion} are not failures that pass.
 *
 * <p>Immutable; each call returns a changed copy.
 */
public final class Retry {
  private static final Logger log = LoggerFactory.getLogger(Retry.class);
  private static final Set<String> ROLLED_BACK = Set.of("40001", "40P01");
  private static final Retry DEFAULTS =
      new Retry(
          10,
          Duration.ofMinutes(1),
          Duration.ofMillis(50),
          Duration.ofSeconds(5),
          Retry::nothingWasDone);

  private final int attempts;
  private final Duration limit;
  private final Duration firstPause;
  private final Duration longestPause;
  private final Predicate<Exception> passing;

  private Retry(
      int attempts,
      Duration limit,
      Duration firstPause,
      Duration longestPause,
      Predicate<Exception> passing) {
    this.attempts = attempts;
    this.limit = limit;
    this.firstPause = firstPause;
    this.longestPause = longestPause;
    this.passing = passing;
  }

  /** Ten attempts within a minute, with pauses from 50 ms to 5 s between them. */
  public static Retry defaults() {
    return DEFAULTS;
  }

  /** At most this many attempts, the first included. */
  public Retry attempts(int most) {
    if (most < 1) {
      throw new IllegalArgumentException(most + " attempts; use 1 or more");
    }
    return new Retry(most, limit, firstPause, longestPause, passing);
  }

  /** No attempt begins later than this after the first. */
  public Retry within(Duration newLimit) {
    if (newLimit.isNegative()) {
      throw new IllegalArgumentException(
          "the limit is " + newLimit + "; use one that is not negative");
    }
    return new Retry(attempts, newLimit, firstPause, longestPause, passing);
  }

  /** Each pause is up to twice as long as the one before. */
  public Retry pauses(Duration first, Duration longest) {
    if (first.toMillis() < 1 || longest.compareTo(first) < 0) {
      throw new IllegalArgumentException(
          "pauses from "
              + first
              + " to "
              + longest
              + "; use 1 ms or more, and no less for the longest");
    }
    return new Retry(attempts, limit, first, longest, passing);
  }

  /** For work that comes to the same however often it is done. */
  public Retry evenIfOutcomeUnknown() {
    return alsoAfter(KeeperException.OutcomeUnknown.class::isInstance);
  }

  /** Other failures that pass, and after which the work may be done again. */
  public Retry alsoAfter(Predicate<? super Exception> failure) {
    Objects.requireNonNull(failure, "failure");
    return new Retry(
        attempts, limit, firstPause, longestPause, e -> passing.test(e) || failure.test(e));
  }

  /** Work with a result. */
  @FunctionalInterface
  public interface Call<T, X extends Exception> {
    T call() throws X;
  }

  /** Work without one. */
  @FunctionalInterface
  public interface Work<X extends Exception> {
    void run() throws X;
  }

  public <X extends Exception> void run(Work<X> work) throws X, InterruptedException {
    call(
        () -> {
          work.run();
          return true;
        });
  }

  /** What the work comes to, or the failure of its last attempt. */
  public <T, X extends Exception> T call(Call<T, X> work) throws X, InterruptedException {
    long began = System.nanoTime();
    long pauseMs = firstPause.toMillis();
    for (int attempt = 1; true; attempt++) {
      try {
        return work.call();
      } catch (Exception e) {
        long pausedMs = ThreadLocalRandom.current().nextLong(pauseMs / 2, pauseMs + 1);
        Duration later = Duration.ofNanos(System.nanoTime() - began).plusMillis(pausedMs);
        if (!passing.test(e) || attempt >= attempts || later.compareTo(limit) > 0) {
          throw e;
        }
        log.info(
            "attempt {} of {} failed, the next one is in {} ms: {}",
            attempt,
            attempts,
            pausedMs,
            e.getMessage());
        Thread.sleep(pausedMs);
      }
      pauseMs = Math.min(longestPause.toMillis(), pauseMs * 2);
    }
  }

  private static boolean nothingWasDone(Exception failure) {
    if (failure instanceof KeeperException.OutcomeUnknown) {
      return false;
    } else if (failure instanceof KeeperException.ConnectionLoss) {
      return true;
    }
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException sql
          && ROLLED_BACK.contains(String.valueOf(sql.getSQLState()))) {
        return true;
      }
    }
    return false;
  }

  @Override
  public String toString() {
    return "Retry[" + attempts + " attempts within " + limit + "]";
  }
}
