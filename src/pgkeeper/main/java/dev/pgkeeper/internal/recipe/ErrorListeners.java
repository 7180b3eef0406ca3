package dev.pgkeeper.internal.recipe;

import dev.pgkeeper.Subscription;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Who is told of failures; what nobody is told of is logged as an error. */
public final class ErrorListeners {
  private static final Logger log = LoggerFactory.getLogger(ErrorListeners.class);

  private final String whose;
  private final List<Consumer<Throwable>> listeners = new CopyOnWriteArrayList<>();
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable Throwable last;

  public ErrorListeners(String whose) {
    this.whose = whose;
  }

  /** Tells of all failures from now on, and of the last one at once if that was before. */
  public Subscription add(Consumer<Throwable> listener) {
    Throwable before;
    lock.lock();
    try {
      listeners.add(listener);
      before = last;
    } finally {
      lock.unlock();
    }
    if (before != null) {
      report(before, List.of(listener));
    }
    return () -> listeners.remove(listener);
  }

  public void report(Throwable failure) {
    report(failure, List.copyOf(listeners));
  }

  /**
   * Reports what ends everything: whoever asks later is told too.
   *
   * @param end makes the end known, before the listeners are called and after they can ask
   */
  public void reportLast(Throwable failure, Runnable end) {
    List<Consumer<Throwable>> told;
    lock.lock();
    try {
      last = failure;
      told = List.copyOf(listeners);
    } finally {
      lock.unlock();
    }
    end.run();
    report(failure, told);
  }

  private void report(Throwable failure, List<Consumer<Throwable>> told) {
    if (told.isEmpty()) {
      log.error("{} failed", whose, failure);
    }
    for (Consumer<Throwable> listener : told) {
      try {
        listener.accept(failure);
      } catch (RuntimeException e) {
        e.addSuppressed(failure);
        log.error("{}: a listener for errors failed", whose, e);
      }
    }
  }
}
