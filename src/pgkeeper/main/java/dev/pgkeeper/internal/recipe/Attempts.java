package dev.pgkeeper.internal.recipe;

import dev.pgkeeper.KeeperException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * When to try again what failed: soon at first, then less often, on and on. Its owner sees to it
 * that it is used by one thread at a time.
 */
public final class Attempts {
  private static final Logger log = LoggerFactory.getLogger(Attempts.class);
  private static final long FIRST_PAUSE_MS = 100;
  private static final long LONGEST_PAUSE_MS = 5_000;

  private final String whose;
  private final ErrorListeners errors;
  private int failures;

  public Attempts(String whose, ErrorListeners errors) {
    this.whose = whose;
    this.errors = errors;
  }

  /**
   * Tells why one failed. Only logged is what passes by itself: that the database is away, that a
   * hold was lost, and that the session has ended, which a call may learn before its keeper does.
   */
  public void report(Throwable failure) {
    boolean passes =
        failure instanceof KeeperException.ConnectionLoss
            || failure instanceof KeeperException.OutcomeUnknown
            || failure instanceof KeeperException.NotHeld
            || failure instanceof KeeperException.SessionExpired;
    if (passes) {
      log.warn("{}: trying again, after: {}", whose, failure.getMessage());
    } else {
      errors.report(failure);
    }
  }

  /** Runs the next one after a pause, which is longer the more have failed. */
  public void tryLater(Runnable next) {
    long pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS << Math.min(failures++, 10));
    CompletableFuture.delayedExecutor(pause, TimeUnit.MILLISECONDS).execute(next);
  }

  public void succeeded() {
    failures = 0;
  }
}
