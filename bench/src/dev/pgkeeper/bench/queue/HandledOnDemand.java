package dev.pgkeeper.bench.queue;

import dev.pgkeeper.bench.queue.Messages.Consumer;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Between the threads that are measured and a subject that handles messages on threads of its own:
 * it handles as many as they ask for, so that nothing is done between rounds.
 */
final class HandledOnDemand {
  private final Semaphore wanted = new Semaphore(0);
  private final Semaphore done = new Semaphore(0);

  /** What the subject does with each message. */
  void handle() {
    wanted.acquireUninterruptibly();
    done.release();
  }

  /** One thread that asks for so many at a time. */
  Consumer consumer(int batch) {
    return wait -> {
      wanted.release(batch);
      return done.tryAcquire(batch, wait.toNanos(), TimeUnit.NANOSECONDS) ? batch : 0;
    };
  }

  /** From now on all are handled as they come, so that the subject can end. */
  void stopHolding() {
    wanted.release(Integer.MAX_VALUE / 2);
  }
}
