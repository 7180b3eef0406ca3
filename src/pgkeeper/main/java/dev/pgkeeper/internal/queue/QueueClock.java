package dev.pgkeeper.internal.queue;

import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * One thread that keeps the times of all queues of a session; none while there is nothing to keep.
 */
final class QueueClock {
  private final ScheduledThreadPoolExecutor thread;

  QueueClock() {
    thread =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread daemon = new Thread(task, "pgkeeper-queues");
              daemon.setDaemon(true);
              return daemon;
            });
    thread.setKeepAliveTime(5, TimeUnit.SECONDS);
    thread.allowCoreThreadTimeOut(true);
    thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    thread.setRejectedExecutionHandler((task, closed) -> {});
  }

  /** Runs something quick at this {@link System#nanoTime}; nothing any more once it was stopped. */
  void at(long nanoTime, Runnable task) {
    var unused =
        thread.schedule(task, Math.max(0, nanoTime - System.nanoTime()), TimeUnit.NANOSECONDS);
  }

  void stop() {
    thread.shutdownNow();
  }
}
