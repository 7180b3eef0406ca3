package dev.pgkeeper.discovery;

import dev.pgkeeper.Subscription;
import dev.pgkeeper.internal.recipe.ErrorListeners;
import dev.pgkeeper.internal.recipe.SerialExecutor;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Who is told what something has become: first what it is, then what it becomes, the last of
 * several changes always. Each listener on a thread of its own that is there only while there is
 * something to tell, so that none keeps another waiting.
 */
final class Audience<T extends Object> {
  private final String name;
  private final ErrorListeners errors;
  private final List<Listener<T>> listeners = new CopyOnWriteArrayList<>();
  private final ReentrantLock lock = new ReentrantLock();
  private T latest;

  Audience(String name, ErrorListeners errors, T first) {
    this.name = name;
    this.errors = errors;
    this.latest = first;
  }

  Subscription add(Consumer<? super T> told) {
    Listener<T> listener =
        new Listener<>(Objects.requireNonNull(told, "listener"), new SerialExecutor(name), errors);
    lock.lock();
    try {
      listeners.add(listener);
      listener.tell(latest);
    } finally {
      lock.unlock();
    }
    return () -> {
      listeners.remove(listener);
      listener.closed = true;
    };
  }

  void tell(T value) {
    lock.lock();
    try {
      latest = value;
      listeners.forEach(listener -> listener.tell(value));
    } finally {
      lock.unlock();
    }
  }

  private static final class Listener<T extends Object> {
    private final Consumer<? super T> told;
    private final SerialExecutor serially;
    private final ErrorListeners errors;
    private final AtomicReference<@Nullable T> due = new AtomicReference<>();
    private volatile boolean closed;

    Listener(Consumer<? super T> told, SerialExecutor serially, ErrorListeners errors) {
      this.told = told;
      this.serially = serially;
      this.errors = errors;
    }

    void tell(T value) {
      if (due.getAndSet(value) == null) {
        serially.run(this::tellDue);
      }
    }

    private void tellDue() {
      T value = due.getAndSet(null);
      if (value == null || closed) {
        return;
      }
      try {
        told.accept(value);
      } catch (RuntimeException | Error e) {
        errors.report(e);
      }
    }
  }
}
