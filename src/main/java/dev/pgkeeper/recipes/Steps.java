package dev.pgkeeper.recipes;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs one after the other, on a thread that is there only while there is something to run. Steps
 * see to their own failures.
 */
final class Steps {
  private static final Logger log = LoggerFactory.getLogger(Steps.class);

  private final String name;
  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<Runnable> waiting = new ArrayDeque<>();
  private @Nullable Thread thread;

  Steps(String name) {
    this.name = name;
  }

  /** Fails, and runs nothing, if there is no thread to be had. */
  void run(Runnable step) {
    lock.lock();
    try {
      if (thread == null) {
        Thread next = new Thread(this::work, name);
        next.setDaemon(true);
        next.start();
        thread = next;
      }
      waiting.add(step);
    } finally {
      lock.unlock();
    }
  }

  boolean isOnThread() {
    lock.lock();
    try {
      return Thread.currentThread() == thread;
    } finally {
      lock.unlock();
    }
  }

  private void work() {
    for (Runnable next = next(); next != null; next = next()) {
      try {
        next.run();
      } catch (RuntimeException | Error e) {
        log.error("{}: unexpected failure", name, e);
      }
    }
  }

  private @Nullable Runnable next() {
    lock.lock();
    try {
      Runnable next = waiting.poll();
      if (next == null) {
        thread = null;
      }
      return next;
    } finally {
      lock.unlock();
    }
  }
}
