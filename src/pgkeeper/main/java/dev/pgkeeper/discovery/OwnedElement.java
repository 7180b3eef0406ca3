package dev.pgkeeper.discovery;

import dev.pgkeeper.Held;
import dev.pgkeeper.HoldState;
import dev.pgkeeper.Session;
import dev.pgkeeper.internal.recipe.Attempts;
import dev.pgkeeper.internal.recipe.ErrorListeners;
import dev.pgkeeper.internal.recipe.SerialExecutor;
import dev.pgkeeper.lock.Mutex;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One element, as one participant has it.
 *
 * <pre>
 * idle → asks → owns → ends → idle
 * </pre>
 *
 * <p>Whether it is wanted, and in which session, may change at any moment; what is under way then
 * is ended first. The listener is told in steps, one after the other, so that it is never told of
 * an element again before it has returned from its end.
 */
final class OwnedElement {
  private final String element;
  private final String path;
  private final PartitionListener listener;
  private final ErrorListeners errors;
  private final Attempts attempts;
  private final SerialExecutor serially;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  // Guarded by the lock.
  private @Nullable Session wantedIn;
  private @Nullable CompletableFuture<Held> asking;
  private @Nullable Held held;
  private boolean told;
  private boolean ending;
  private boolean pausing;

  OwnedElement(String element, String path, PartitionListener listener, ErrorListeners errors) {
    this.element = element;
    this.path = path;
    this.listener = listener;
    this.errors = errors;
    this.attempts = new Attempts(path, errors);
    this.serially = new SerialExecutor("pgkeeper-partition " + element);
  }

  /** The hold, while it is certainly this participant's own and the listener knows of it. */
  Optional<Held> owned() {
    lock.lock();
    try {
      Held now = held;
      return now != null && told && !ending && now.isHeld() ? Optional.of(now) : Optional.empty();
    } finally {
      lock.unlock();
    }
  }

  boolean isOnThread() {
    return serially.isOnThread();
  }

  /** Waits until nothing of it is held or asked for. */
  boolean awaitIdle(Duration patience) throws InterruptedException {
    long left = patience.toNanos();
    lock.lockInterruptibly();
    try {
      while ((asking != null || held != null) && left > 0) {
        left = changed.awaitNanos(left);
      }
      return asking == null && held == null;
    } finally {
      lock.unlock();
    }
  }

  /** From now on to be owned in this session; null: not to be owned. */
  void want(@Nullable Session session) {
    CompletableFuture<Held> unwanted = null;
    lock.lock();
    try {
      if (wantedIn == session) {
        return;
      }
      wantedIn = session;
      unwanted = asking;
      if (held != null) {
        end(held);
      } else if (unwanted == null) {
        ask();
      }
    } finally {
      lock.unlock();
    }
    if (unwanted != null) {
      unwanted.cancel(false); // and it is asked again, if it is wanted in another session
    }
  }

  /** Under the lock: asks for it if it is wanted, and nothing of it is under way. */
  private void ask() {
    Session in = wantedIn;
    if (in == null || asking != null || held != null || pausing || in.state().isTerminal()) {
      changed.signalAll();
      return;
    }
    try {
      CompletableFuture<Held> next = Mutex.in(in, path).acquireAsync();
      asking = next;
      var unused = next.whenComplete((granted, failure) -> answered(in, granted, failure));
    } catch (RuntimeException e) {
      failed(in, e);
    }
  }

  private void answered(Session in, @Nullable Held granted, @Nullable Throwable failure) {
    lock.lock();
    try {
      asking = null;
      if (granted == null) {
        failed(in, failure);
      } else {
        own(granted, wantedIn == in);
      }
    } finally {
      lock.unlock();
    }
  }

  private void failed(Session in, @Nullable Throwable failure) {
    if (failure == null
        || failure instanceof CancellationException
        || wantedIn != in
        || in.state().isTerminal()) {
      ask();
    } else {
      attempts.report(failure);
      askLater();
    }
  }

  private void askLater() {
    pausing = true;
    attempts.tryLater(
        () -> {
          lock.lock();
          try {
            pausing = false;
            ask();
          } finally {
            lock.unlock();
          }
        });
  }

  private void own(Held granted, boolean wanted) {
    held = granted;
    try {
      if (wanted) {
        serially.run(() -> begin(granted));
        granted.onStateChange(state -> stateIs(granted, state));
        stateIs(granted, granted.state());
      } else {
        end(granted);
      }
    } catch (RuntimeException | Error e) {
      errors.report(e);
      finish(granted, true);
    }
  }

  private void stateIs(Held granted, HoldState state) {
    if (state.isTerminal()) {
      lock.lock();
      try {
        end(granted);
      } finally {
        lock.unlock();
      }
    }
  }

  /** Under the lock. */
  private void end(Held granted) {
    if (held == granted && !ending) {
      ending = true;
      serially.run(() -> finish(granted, false));
    }
  }

  /** A step. */
  private void begin(Held granted) {
    lock.lock();
    try {
      if (ending) {
        return;
      }
    } finally {
      lock.unlock();
    }
    try {
      listener.onAcquired(element, granted);
    } catch (RuntimeException | Error e) {
      errors.report(e);
      lock.lock();
      try {
        ending = true;
      } finally {
        lock.unlock();
      }
      finish(granted, true);
      return;
    }
    lock.lock();
    try {
      told = true;
      attempts.succeeded();
    } finally {
      lock.unlock();
    }
  }

  /** A step after {@link #begin}. */
  private void finish(Held granted, boolean failed) {
    boolean wasTold;
    lock.lock();
    try {
      if (held != granted) {
        return; // it has failed to begin, and was finished there
      }
      wasTold = told;
    } finally {
      lock.unlock();
    }
    try {
      if (wasTold) {
        listener.onRelease(element);
      }
    } catch (RuntimeException | Error e) {
      errors.report(e);
    }
    try {
      granted.close();
    } catch (RuntimeException e) {
      errors.report(e);
    }
    lock.lock();
    try {
      held = null;
      told = false;
      ending = false;
      if (failed) {
        askLater();
      }
      ask();
    } finally {
      lock.unlock();
    }
  }
}
