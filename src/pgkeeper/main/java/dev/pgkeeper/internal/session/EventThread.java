package dev.pgkeeper.internal.session;

import dev.pgkeeper.internal.observe.Observation;
import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells a client's watchers what happened: one at a time, in order, away from the thread that keeps
 * the session.
 */
public final class EventThread {
  private static final Logger log = LoggerFactory.getLogger(EventThread.class);
  private static final Runnable LAST = () -> {};

  private final LinkedBlockingQueue<Runnable> queue = new LinkedBlockingQueue<>();
  private final Observation observation;
  private final Thread thread;

  /**
   * Of the one thread that looks at what was rung; without it an event's delay has no beginning.
   */
  private volatile @Nullable Ring ring;

  /** Something that one thread has heard, and is finding out what it means. */
  private record Ring(Thread heardBy, long at) {}

  public EventThread(String name, Observation observation) {
    this.observation = observation;
    thread = new Thread(this::run, name);
    thread.setDaemon(true);
    thread.start();
  }

  private void run() {
    while (true) {
      try {
        Runnable next = queue.take();
        if (next == LAST) {
          return;
        }
        next.run();
      } catch (InterruptedException e) {
        log.warn("{} was interrupted by a watcher and goes on", thread.getName());
      } catch (RuntimeException | Error e) {
        log.error("a watcher failed", e);
      }
    }
  }

  public void tell(Runnable event) {
    queue.add(observation.timed(event, heardAt(Thread.currentThread())));
  }

  private long heardAt(Thread teller) {
    Ring now = ring;
    return now != null && now.heardBy == teller ? now.at : System.nanoTime();
  }

  /**
   * What this thread tells until {@link #endRing}, was rung for at this {@link System#nanoTime}.
   */
  public void beginRing(long at) {
    ring = new Ring(Thread.currentThread(), at);
  }

  public void endRing() {
    ring = null;
  }

  /**
   * Waits until all that was told before has been heard; returns at once on the event thread
   * itself.
   */
  public boolean drain(Duration patience) throws InterruptedException {
    if (Thread.currentThread() == thread) {
      return true;
    }
    java.util.concurrent.CountDownLatch drained = new java.util.concurrent.CountDownLatch(1);
    queue.add(drained::countDown);
    return drained.await(patience.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Ends after what was told so far. */
  public void finish() {
    queue.add(LAST);
  }
}
