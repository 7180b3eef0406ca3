package dev.pgkeeper.internal.queue;

import dev.pgkeeper.Subscription;
import dev.pgkeeper.internal.session.Sessions.Worker;
import dev.pgkeeper.queue.MessageConsumer;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A consumer as its user sees it: one {@link QueueConsumer} after the other, each for a session.
 * Handlers that still run when their session ends count for the next one: never more run at a time
 * than the user allows.
 */
final class StandingConsumer<T> implements MessageConsumer, Worker {
  private static final Logger log = LoggerFactory.getLogger(StandingConsumer.class);
  private static final Duration LONGEST_CLOSE = Duration.ofSeconds(30);

  private final String queue;
  private final Function<Queues, QueueConsumer<T>> consumers;
  private final Subscription sessions;
  private final Subscription closing;
  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock.

  /** The last one, whose session may have ended. */
  private @Nullable QueueConsumer<T> last;

  private boolean stopped;

  StandingConsumer(
      String queue, PresentQueues queues, Function<Queues, QueueConsumer<T>> consumers) {
    this.queue = queue;
    this.consumers = consumers;
    this.sessions = queues.inEach(this::begin);
    this.closing = queues.stopAtClose(this);
  }

  private AutoCloseable begin(Queues now) {
    QueueConsumer<T> next;
    lock.lock();
    try {
      QueueConsumer<T> before = last;
      if (stopped || before != null && !before.lostItsSession()) {
        return () -> {};
      }
      next = consumers.apply(now);
      if (before != null) {
        before.handOverTo(next);
      }
      last = next;
    } finally {
      lock.unlock();
    }
    next.start();
    return () -> {}; // it hears itself when its session ends
  }

  private @Nullable QueueConsumer<T> last() {
    lock.lock();
    try {
      return last;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean isRunning() {
    lock.lock();
    try {
      return !stopped && (last == null || last.isRunning() || last.lostItsSession());
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void beginToStop() {
    lock.lock();
    try {
      stopped = true;
    } finally {
      lock.unlock();
    }
    QueueConsumer<T> present = last();
    if (present != null) {
      present.beginToStop();
    }
  }

  @Override
  public boolean awaitEnd(Duration patience) throws InterruptedException {
    QueueConsumer<T> present = last();
    return present == null || present.awaitEnd(patience);
  }

  @Override
  public boolean stop(Duration patience) throws InterruptedException {
    sessions.close();
    closing.close();
    beginToStop();
    return awaitEnd(patience);
  }

  @Override
  public void close() {
    try {
      if (!stop(LONGEST_CLOSE)) {
        log.warn(
            "handlers of the queue {} still run after {}; nobody waits for them any longer",
            queue,
            LONGEST_CLOSE);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public String toString() {
    return "MessageConsumer[" + queue + "]";
  }
}
