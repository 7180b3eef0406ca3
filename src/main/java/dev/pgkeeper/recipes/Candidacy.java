package dev.pgkeeper.recipes;

import dev.pgkeeper.Ask;
import dev.pgkeeper.Held;
import dev.pgkeeper.HoldState;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Line;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.Subscription;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Standing for election, until it is closed, the session ends, or the leadership is over and it
 * does not stand again.
 *
 * <pre>
 * stands → leads → over → stands (requeueing)
 *                       → ended
 * </pre>
 *
 * <p>A leadership is given up after what is done for it has returned, and it stands again after
 * that; so there are never two leaders made of one candidacy.
 */
public final class Candidacy implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Candidacy.class);
  private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(10);
  private static final long FIRST_PAUSE_MS = 100;
  private static final long LONGEST_PAUSE_MS = 10_000;

  /** Who stands. */
  record Person(String identity, byte[] data) {}

  private final Keeper keeper;
  private final Line line;
  private final Person person;
  private final Ask ask;
  private final Duty duty;
  private final boolean requeues;
  private final Steps steps;
  private final List<Consumer<Throwable>> errorListeners = new CopyOnWriteArrayList<>();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  // Guarded by the lock.
  private @Nullable CompletableFuture<Held> standing;
  private @Nullable Term term;
  private @Nullable Thread worker;
  private boolean closed;
  private boolean silent;
  private boolean ended;
  private int failures;

  Candidacy(Keeper keeper, Line line, Person person, Duty duty, boolean requeues) {
    this.keeper = keeper;
    this.line = line;
    this.person = person;
    this.ask = Ask.of("candidate").data(Candidate.encode(person.identity(), person.data()));
    this.duty = duty;
    this.requeues = requeues;
    this.steps = new Steps("pgkeeper-leader " + line.path());
  }

  /** The leadership, while it is certainly this candidate's own. */
  public Optional<Leadership> leadership() {
    lock.lock();
    try {
      return term != null && term.isHeld() ? Optional.of(term) : Optional.empty();
    } finally {
      lock.unlock();
    }
  }

  public boolean isLeader() {
    return leadership().isPresent();
  }

  /** Waits until it leads. False: the candidacy has ended instead. */
  public boolean await() throws InterruptedException {
    return await(Duration.ofDays(365));
  }

  /** Waits until it leads. False: it does not yet, or the candidacy has ended. */
  public boolean await(Duration patience) throws InterruptedException {
    long left = patience.toNanos();
    lock.lockInterruptibly();
    try {
      while (!isLeader() && !ended && left > 0) {
        left = changed.awaitNanos(left);
      }
      return isLeader();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Tells what the work or the listener throws from now on, and why the candidacy ended if nobody
   * closed it. What nobody is told of is logged as an error.
   */
  public Subscription onError(Consumer<Throwable> listener) {
    errorListeners.add(listener);
    return () -> errorListeners.remove(listener);
  }

  private void report(Throwable failure) {
    if (errorListeners.isEmpty()) {
      log.error("{}: candidate {} failed", line.path(), person.identity(), failure);
    }
    for (Consumer<Throwable> listener : errorListeners) {
      try {
        listener.accept(failure);
      } catch (RuntimeException e) {
        e.addSuppressed(failure);
        log.error("{}: a listener for errors failed", line.path(), e);
      }
    }
  }

  /**
   * Does not stand any more. If it leads: interrupts the work, or tells {@link
   * LeadershipListener#onLost}, and gives the leadership up when that has returned. Waits for this,
   * but not for more than 10 seconds, and not when called by the work or the listener itself.
   */
  @Override
  public void close() {
    if (!close(CLOSE_PATIENCE) && !steps.isOnThread()) {
      log.warn("{}: still leads, until what it does for that returns", line.path());
    }
  }

  /**
   * The same, with another patience. False: it still leads, until what it does for that returns.
   */
  public boolean close(Duration patience) {
    leave(false);
    return awaitEnd(patience);
  }

  /** The same as {@link #close()}, but a listener is not told. */
  public void closeSilently() {
    leave(true);
    close();
  }

  private void leave(boolean silently) {
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

  private boolean awaitEnd(Duration patience) {
    long left = steps.isOnThread() ? 0 : patience.toNanos();
    lock.lock();
    try {
      while (!ended && left > 0) {
        left = changed.awaitNanos(left);
      }
      return ended;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      lock.unlock();
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
      next = line.enterAsync(ask);
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
            || failure instanceof KeeperException.NotHeld && requeues;
    boolean unwanted;
    lock.lock();
    try {
      standing = null;
      failures++;
      unwanted = closed || keeper.state() == SessionState.CLOSED;
    } finally {
      lock.unlock();
    }
    if (unwanted) {
      end();
    } else if (passes) {
      log.warn("{}: stands again, because of: {}", line.path(), failure.getMessage());
      standAgain();
    } else {
      end();
      report(failure);
    }
  }

  // Leading.

  private void elected(Held held) {
    Term next = new Term(this, person, held);
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
      steps.run(() -> begin(next));
    } catch (RuntimeException | Error e) {
      report(e);
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
      report(failure);
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

  /** The duty's {@code begin} returned, and is interrupted no more. True: its end was wanted. */
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

  /** Makes a leadership end, whether it was lost or is still held. False: it was to end before. */
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
    steps.run(() -> finish(led));
    return true;
  }

  /** A step after {@link #begin}: tells of the end of a duty that goes on. */
  private void finish(Term led) {
    if (led.goesOn && !isSilent()) {
      try {
        duty.end(led);
      } catch (RuntimeException | Error e) {
        report(e);
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
      led.held.close();
    } catch (RuntimeException e) {
      report(e);
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

  @Override
  public String toString() {
    return "Candidacy[" + line.path() + ", " + person.identity() + (isLeader() ? ", leads]" : "]");
  }
}
