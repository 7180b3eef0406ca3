package dev.pgkeeper.recipes;

import dev.pgkeeper.Subscription;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Who is told of failures; what nobody is told of is logged as an error. */
final class ErrorListeners {
  private static final Logger log = LoggerFactory.getLogger(ErrorListeners.class);

  private final String whose;
  private final List<Consumer<Throwable>> listeners = new CopyOnWriteArrayList<>();

  ErrorListeners(String whose) {
    this.whose = whose;
  }

  Subscription add(Consumer<Throwable> listener) {
    listeners.add(listener);
    return () -> listeners.remove(listener);
  }

  void report(Throwable failure) {
    if (listeners.isEmpty()) {
      log.error("{} failed", whose, failure);
    }
    for (Consumer<Throwable> listener : listeners) {
      try {
        listener.accept(failure);
      } catch (RuntimeException e) {
        e.addSuppressed(failure);
        log.error("{}: a listener for errors failed", whose, e);
      }
    }
  }
}
