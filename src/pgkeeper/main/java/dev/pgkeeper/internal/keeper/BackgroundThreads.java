package dev.pgkeeper.internal.keeper;

import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A keeper's threads for whatever need not be done on the caller's: daemons, none while idle. */
final class BackgroundThreads extends ThreadPoolExecutor {
  private static final int MOST = 16;
  private static final Duration LONGEST_LAST_STATEMENT = Duration.ofSeconds(1);

  BackgroundThreads() {
    super(
        MOST,
        MOST,
        5,
        TimeUnit.SECONDS,
        new LinkedBlockingQueue<>(),
        new Named(),
        // After closing, whoever still has something to tell does it on its own thread.
        (task, closed) -> task.run());
    allowCoreThreadTimeOut(true);
  }

  private static final class Named implements java.util.concurrent.ThreadFactory {
    private final AtomicInteger number = new AtomicInteger();

    @Override
    public Thread newThread(Runnable task) {
      return new BackgroundThread(task, number.incrementAndGet());
    }
  }

  private static final class BackgroundThread extends Thread {
    BackgroundThread(Runnable task, int number) {
      super(task, "pgkeeper-async-" + number);
      setDaemon(true);
    }
  }

  /**
   * An application that closes its pool or drops the schema next meets no statement of this
   * client's.
   */
  void finish() {
    shutdown();
    if (Thread.currentThread() instanceof BackgroundThread) {
      return; // it may be one of those that would be waited for
    }
    try {
      var unused = awaitTermination(LONGEST_LAST_STATEMENT.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
