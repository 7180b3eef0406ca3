package dev.pgkeeper.internal.queue;

import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Daemon threads for handlers: as many as run, none for who waits. */
final class Threads implements Executor {
  private final AtomicInteger number = new AtomicInteger();
  private final ThreadPoolExecutor threads =
      new ThreadPoolExecutor(
          0,
          Integer.MAX_VALUE,
          5,
          TimeUnit.SECONDS,
          new SynchronousQueue<>(),
          task -> {
            Thread thread = new Thread(task, "pgkeeper-consumer-" + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
          });

  @Override
  public void execute(Runnable task) {
    threads.execute(task);
  }
}
