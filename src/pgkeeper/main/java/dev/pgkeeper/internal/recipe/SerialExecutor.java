package dev.pgkeeper.internal.recipe;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs one after the other, on a thread that it has only while there is something to run. Steps see
 * to their own failures.
 */
public final class SerialExecutor {
  private static final Logger log = LoggerFactory.getLogger(SerialExecutor.class);
  private static final String IDLE = "pgkeeper-idle";

  /**
   * As many as have something to run at the same time. They stay for a few seconds, because
   * starting one takes longer than most steps.
   */
  private static final ThreadPoolExecutor THREADS =
      new ThreadPoolExecutor(
          0,
          Integer.MAX_VALUE,
          5,
          TimeUnit.SECONDS,
          new SynchronousQueue<>(),
          SerialExecutor::idleThread);

  private final String name;
  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<Runnable> waiting = new ArrayDeque<>();
  private boolean working;
  private @Nullable Thread thread;

  public SerialExecutor(String name) {
    this.name = name;
  }

  private static Thread idleThread(Runnable work) {
    Thread thread = new Thread(work, IDLE);
    thread.setDaemon(true);
    thread.setContextClassLoader(SerialExecutor.class.getClassLoader());
    return thread;
  }

  /** Fails, and runs nothing, if there is no thread to be had. */
  public void run(Runnable step) {
    lock.lock();
    try {
      if (!working) {
        THREADS.execute(this::work);
        working = true;
      }
      waiting.add(step);
    } finally {
      lock.unlock();
    }
  }

  public boolean isOnThread() {
    lock.lock();
    try {
      return Thread.currentThread() == thread;
    } finally {
      lock.unlock();
    }
  }

  private void work() {
    Thread.currentThread().setName(name);
    for (Runnable next = next(); next != null; next = next()) {
      try {
        next.run();
      } catch (RuntimeException | Error e) {
        log.error("{}: unexpected failure", name, e);
      }
    }
    Thread.currentThread().setName(IDLE);
  }

  private @Nullable Runnable next() {
    lock.lock();
    try {
      Runnable next = waiting.poll();
      working = next != null;
      thread = working ? Thread.currentThread() : null;
      return next;
    } finally {
      lock.unlock();
    }
  }
}
