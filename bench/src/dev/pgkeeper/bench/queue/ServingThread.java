package dev.pgkeeper.bench.queue;

import dev.pgkeeper.bench.Worker;

/** A worker for subjects that have none: takes one message after the other and handles it. */
final class ServingThread implements AutoCloseable {
  private final Worker.Call take;
  private final Runnable handler;
  private final Thread thread = new Thread(this::serve, "bench-serving");
  private volatile boolean closed;

  /** Takes with this, which waits until there is one. */
  ServingThread(Worker.Call take, Runnable handler) {
    this.take = take;
    this.handler = handler;
    thread.start();
  }

  private void serve() {
    try {
      while (true) {
        take.run();
        handler.run();
      }
    } catch (Exception e) {
      // Whoever waits for the handler finds out by itself if it was not closed.
      if (!closed) {
        throw new IllegalStateException("A message could not be taken", e);
      }
    }
  }

  @Override
  public void close() throws InterruptedException {
    closed = true;
    thread.interrupt();
    thread.join();
  }
}
