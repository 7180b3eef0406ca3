package dev.pgkeeper.internal.jdbc;

import dev.pgkeeper.KeeperException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Sends the changes of several threads together. While a few are on their way to the database, the
 * others gather; the next whose turn it is takes all that gathered along, in one transaction in
 * which each stands for itself. One alone goes as it is. So a change is never delayed for company
 * only, and the more there are, the less each costs: one lock of a parent, one commit, one plan's
 * set-up for many.
 *
 * <p>If they cannot be done together, because somebody holds on to something of one of them or one
 * of them is refused by the server, nothing was done, and each goes alone, on its own thread.
 */
public final class Combiner<C, A> {
  /**
   * Transactions on their way at once: two, until more than {@link #FEW} gather behind them; then
   * one after the other, until {@link #CALM} in a row were small again. Measured with 16 threads on
   * two cores: one large transaction after the other does a third more than two at a time.
   */
  private static final int UNDER_WAY = 2;

  private static final int FEW = 2;
  private static final int CALM = 4;
  private static final int MOST_TOGETHER = 64;

  /** Those on their way may be stuck behind somebody's lock. Then it is quicker alone. */
  private static final long PATIENCE_NANOS = 10_000_000;

  private final Function<C, A> alone;
  private final Function<List<C>, @Nullable List<A>> together;
  private final ReentrantLock lock = new ReentrantLock();
  private final Queue<Change<C, A>> waiting = new ArrayDeque<>();
  private int underWay;
  private int smallInARow = CALM;

  /**
   * @param together answers null if they could not be done together and nothing was done
   */
  public Combiner(Function<C, A> alone, Function<List<C>, @Nullable List<A>> together) {
    this.alone = alone;
    this.together = together;
  }

  private enum Turn {
    WAITS,
    LEADS,
    GOES_ALONE,
    DONE
  }

  private static final class Change<C, A> {
    final C what;
    final Thread thread = Thread.currentThread();
    volatile Turn turn = Turn.WAITS;
    @Nullable A answer;
    @Nullable RuntimeException failure;

    Change(C what) {
      this.what = what;
    }

    void pass(Turn next) {
      turn = next;
      LockSupport.unpark(thread);
    }
  }

  public A apply(C what) {
    Change<C, A> change = new Change<>(what);
    if (!takeTurn(change)) {
      await(change);
    }
    if (change.turn == Turn.LEADS) {
      lead(change);
    }
    if (change.turn == Turn.GOES_ALONE) {
      return alone.apply(what);
    } else if (change.failure != null) {
      throw change.failure;
    } else if (change.answer == null) {
      throw new IllegalStateException("a change was left without an answer: " + what);
    }
    return change.answer;
  }

  private boolean takeTurn(Change<C, A> change) {
    lock.lock();
    try {
      if (isWayFree()) {
        underWay++;
        change.turn = Turn.LEADS;
        return true;
      }
      waiting.add(change);
      return false;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Until its turn comes. An interrupt is for whoever waits for something that may never happen.
   */
  private void await(Change<C, A> change) {
    boolean interrupted = false;
    boolean taken = false;
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    while (change.turn == Turn.WAITS) {
      long left = deadline - System.nanoTime();
      if (taken) {
        LockSupport.park(change);
      } else if (left > 0) {
        LockSupport.parkNanos(change, left);
      } else if (leave(change)) {
        change.turn = Turn.GOES_ALONE;
      } else {
        taken = true; // and looks once more: waiting for the lock may have used up the wake-up
      }
      interrupted |= Thread.interrupted();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean leave(Change<C, A> change) {
    lock.lock();
    try {
      return waiting.remove(change);
    } finally {
      lock.unlock();
    }
  }

  private boolean isWayFree() {
    return underWay == 0 || underWay < UNDER_WAY && smallInARow >= CALM;
  }

  private void lead(Change<C, A> first) {
    List<Change<C, A>> changes = new ArrayList<>();
    changes.add(first);
    lock.lock();
    try {
      while (changes.size() < MOST_TOGETHER && !waiting.isEmpty()) {
        changes.add(waiting.remove());
      }
      smallInARow = changes.size() > FEW ? 0 : smallInARow + 1;
    } finally {
      lock.unlock();
    }
    try {
      if (changes.size() == 1) {
        first.answer = alone.apply(first.what);
      } else {
        applyTogether(changes);
      }
    } finally {
      arrive();
    }
  }

  private void applyTogether(List<Change<C, A>> changes) {
    List<A> answers = null;
    RuntimeException failure = null;
    try {
      answers = together.apply(changes.stream().map(change -> change.what).toList());
      if (answers != null && answers.size() != changes.size()) {
        throw new IllegalStateException(
            changes.size() + " changes, " + answers.size() + " answers");
      }
    } catch (RuntimeException e) {
      answers = null;
      failure = e;
    } catch (Error e) {
      failure = new KeeperException.OutcomeUnknown("a change broke off: it may have been done", e);
      throw e;
    } finally {
      for (int i = 0; i < changes.size(); i++) {
        Change<C, A> change = changes.get(i);
        change.failure = failure;
        change.answer = answers == null ? null : answers.get(i);
        change.pass(answers == null && failure == null ? Turn.GOES_ALONE : Turn.DONE);
      }
    }
  }

  /** One less is under way; whoever waited longest leads the next. */
  private void arrive() {
    lock.lock();
    try {
      underWay--;
      if (!waiting.isEmpty() && isWayFree()) {
        underWay++;
        waiting.remove().pass(Turn.LEADS);
      }
    } finally {
      lock.unlock();
    }
  }
}
