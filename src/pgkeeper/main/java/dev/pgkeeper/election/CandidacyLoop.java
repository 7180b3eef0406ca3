package dev.pgkeeper.election;

import dev.pgkeeper.Held;
import dev.pgkeeper.HoldState;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.recipe.ErrorListeners;
import dev.pgkeeper.internal.recipe.SerialExecutor;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.line.Line;
import dev.pgkeeper.line.LineRequest;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What happens behind a {@link Candidacy}.
 *
 * <pre>
 * stands → leads → over → stands (requeueing)
 *                       → ended
 * </pre>
 *
 * <p>A leadership is given up after what is done for it has returned, and it stands again after
 * that; so there are never two leaders made of one candidacy. What is done runs as steps, one after
 * the other: a duty that begins, and one that ends.
 */
final class CandidacyLoop {
  private static final Logger log = LoggerFactory.getLogger(CandidacyLoop.class);
  private static final long FIRST_PAUSE_MS = 100;
  private static final long LONGEST_PAUSE_MS = 10_000;

  private final Sessions sessions;
  private final Line line;
  private final CandidateInfo info;
  private final LineRequest request;
  private final Duty duty;
  private final boolean requeues;
  private final ErrorListeners errors;
  private final SerialExecutor serially;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  // Guarded by the lock. It waits (standing), or leads (term), or does neither for a moment.

  /** Its place in the line; cancelled by whoever closes it. */
  private @Nullable CompletableFuture<Held> standing;

  /** Its leadership, until nothing is done for that any more. */
  private @Nullable Term term;

  /** Who is in the duty's {@code begin}, and is interrupted to come back; null: nobody. */
  private @Nullable Thread worker;

  /** By its user: it does not stand again. */
  private boolean closed;

  /** Set by its user too: no listener is told of the end. */
  private boolean silent;

  /** All of it is over, and those who wait are told. */
  private boolean ended;

  /** How many times in a row it could not stand; the pauses grow with this number. */
  private int failures;

  CandidacyLoop(
      Sessions sessions,
      Line line,
      CandidateInfo info,
      Duty duty,
      boolean requeues,
      ErrorListeners errors) {
    this.sessions = sessions;
    this.line = line;
    this.info = info;
    this.request = LineRequest.of("candidate").data(Candidate.encode(info.identity(), info.data()));
    this.duty = duty;
    this.requeues = requeues;
    this.errors = errors;
    this.serially = new SerialExecutor("pgkeeper-leader " + line.path());
  }

  Optional<Leadership> leadership() {
    lock.lock();
    try {
      return term != null && term.isHeld() ? Optional.of(term) : Optional.empty();
    } finally {
      lock.unlock();
    }
  }

  /** Never leaves this phase again. */
  boolean isEnded() {
    lock.lock();
    try {
      return ended;
    } finally {
      lock.unlock();
    }
  }

  /** Whether the work or the listener itself is asking. */
  boolean isOwnThread() {
    return serially.isOnThread();
  }

  /** Waits for something that changes here. */
  void await(BooleanSupplier isSo, Duration patience) throws InterruptedException {
    long left = patience.toNanos();
    lock.lockInterruptibly();
    try {
      while (!isSo.getAsBoolean() && left > 0) {
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Stands no more, and makes a leadership end. */
  void close(boolean silently) {
    CompletableFuture<Held> stood;
    Term led;
    lock.lock();
    try {
      closed = true;
      silent |= silently;
      stood = standing;
      led = term;
      if (stood == null && led == null) {
        end();
      }
    } finally {
      lock.unlock();
    }
    if (stood != null) {
      stood.cancel(false);
    }
    if (led != null) {
      giveUp(led);
    }
  }

  private void end() {
    lock.lock();
    try {
      ended = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  // Standing.

  /** Enters the line; fails if the keeper cannot be used. */
  void stand() {
    CompletableFuture<Held> next;
    lock.lock();
    try {
      if (closed) {
        end();
        return;
      }
      next = line.joinAsync(request);
      standing = next;
    } finally {
      lock.unlock();
    }
    var unused =
        next.whenComplete(
            (held, failure) -> {
              if (held != null) {
                elected(held);
              } else {
                notElected(failure);
              }
            });
  }

  private void standAgain() {
    long pause;
    lock.lock();
    try {
      pause =
          failures == 0 ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS << Math.min(failures, 10));
    } finally {
      lock.unlock();
    }
    CompletableFuture.delayedExecutor(pause, TimeUnit.MILLISECONDS)
        .execute(
            () -> {
              try {
                stand();
              } catch (RuntimeException e) {
                notElected(e);
              }
            });
  }

  private void notElected(Throwable failure) {
    boolean passes =
        failure instanceof KeeperException.ConnectionLoss
            || failure instanceof KeeperException.OutcomeUnknown
            || failure instanceof KeeperException.DatabaseError
            || failure instanceof KeeperException.SessionExpired
            || failure instanceof KeeperException.NotHeld && requeues;
    boolean unwanted;
    lock.lock();
    try {
      standing = null;
      failures++;
      unwanted = closed || sessions.isClosed();
    } finally {
      lock.unlock();
    }
    if (unwanted) {
      end();
    } else if (passes) {
      log.warn("{}: standing again, after: {}", line.path(), failure.getMessage());
      standAgain();
    } else {
      errors.reportLast(failure, this::end);
    }
  }

  // Leading.

  private void elected(Held held) {
    Term next = new Term(this, info, held);
    lock.lock();
    try {
      standing = null;
      term = next;
      next.unwanted = closed;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    try {
      serially.run(() -> begin(next));
    } catch (RuntimeException | Error e) {
      errors.report(e);
      over(next, true);
      return;
    }
    held.onStateChange(state -> told(next, state));
    if (held.state() == HoldState.LOST) {
      giveUp(next);
    }
  }

  private void told(Term led, HoldState state) {
    if (state == HoldState.LOST) {
      giveUp(led);
    }
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** A step: the duty begins, unless the leadership is unwanted by now. */
  private void begin(Term led) {
    Throwable failure = null;
    if (takeOn(led)) {
      boolean goesOn = false;
      try {
        goesOn = duty.begin(led);
      } catch (Throwable e) {
        failure = e;
      }
      if (takeBack(led, goesOn) && failure instanceof InterruptedException) {
        failure = null;
      }
    }
    if (failure != null) {
      errors.report(failure);
    }
    if (!led.goesOn) {
      over(led, failure != null);
    }
  }

  private boolean takeOn(Term led) {
    lock.lock();
    try {
      boolean wanted = !led.unwanted && !led.state().isTerminal();
      worker = wanted ? Thread.currentThread() : null;
      return wanted;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Notes that the duty's {@code begin} has returned, so that nobody interrupts its thread any
   * more. Returns whether its end was wanted.
   */
  private boolean takeBack(Term led, boolean goesOn) {
    lock.lock();
    try {
      worker = null;
      led.goesOn = goesOn;
      boolean wasInterrupted = Thread.interrupted();
      return led.unwanted || wasInterrupted;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Makes a leadership end, whether it was lost or is still held. Returns false if it was to end
   * before.
   */
  boolean giveUp(Term led) {
    lock.lock();
    try {
      if (led.unwanted || led.over) {
        return false;
      }
      led.unwanted = true;
      if (duty.isInterruptible() && worker != null && worker != Thread.currentThread()) {
        worker.interrupt();
      }
    } finally {
      lock.unlock();
    }
    serially.run(() -> finish(led));
    return true;
  }

  /** A step after {@link #begin}: tells of the end of a duty that goes on. */
  private void finish(Term led) {
    if (led.goesOn && !isSilent()) {
      try {
        duty.end(led);
      } catch (RuntimeException | Error e) {
        errors.report(e);
      }
    }
    over(led, false);
  }

  private boolean isSilent() {
    lock.lock();
    try {
      return silent;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Nothing is done for it any more: gives it up if it is still held, and stands again if it is to.
   */
  private void over(Term led, boolean failed) {
    lock.lock();
    try {
      if (led.over) {
        return;
      }
      led.over = true;
    } finally {
      lock.unlock();
    }
    try {
      led.giveBack();
    } catch (RuntimeException e) {
      errors.report(e);
    }
    lock.lock();
    try {
      term = null;
      failures = failed ? failures + 1 : 0;
      if (closed || !requeues) {
        end();
        return;
      }
    } finally {
      lock.unlock();
    }
    standAgain();
  }
}
