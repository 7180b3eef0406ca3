package dev.pgkeeper.cli.command;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Lets a signal that ends this process end a wait too, so that whoever waits can give back what it
 * waits with: its thread is interrupted, and the process stays until this object is closed. Close
 * it after all that is to be given back.
 */
public final class Waiting implements AutoCloseable {
  private static final Duration LONGEST_GIVING_BACK = Duration.ofSeconds(10);

  private final CountDownLatch closed = new CountDownLatch(1);
  private final ReentrantLock lock = new ReentrantLock();
  private final Thread hook = new Thread(this::atShutdown, "pgkeeper-stop-waiting");
  private @Nullable Thread waits;
  private boolean over;

  public Waiting() {
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /**
   * What the wait returns.
   *
   * @throws InterruptedException if this process is about to end
   */
  public <T extends @Nullable Object> T during(Callable<T> wait) throws InterruptedException {
    begin();
    try {
      return wait.call();
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception e) {
      if (isOver()) {
        InterruptedException interrupted = new InterruptedException();
        interrupted.initCause(e);
        throw interrupted;
      }
      throw e instanceof RuntimeException unchecked ? unchecked : new IllegalStateException(e);
    } finally {
      end();
    }
  }

  public void pause(Duration span) throws InterruptedException {
    during(
        () -> {
          Thread.sleep(span.toMillis());
          return span;
        });
  }

  /**
   * Returns if there is anything left to wait for.
   *
   * @throws InterruptedException if this process is about to end
   */
  public void ensureWanted() throws InterruptedException {
    if (isOver()) {
      throw new InterruptedException();
    }
  }

  private void begin() throws InterruptedException {
    lock.lock();
    try {
      ensureWanted();
      waits = Thread.currentThread();
    } finally {
      lock.unlock();
    }
  }

  /** What follows the wait is not to be interrupted: it may be the giving back. */
  private void end() {
    lock.lock();
    try {
      waits = null;
      if (over) {
        var unused = Thread.interrupted();
      }
    } finally {
      lock.unlock();
    }
  }

  private boolean isOver() {
    lock.lock();
    try {
      return over;
    } finally {
      lock.unlock();
    }
  }

  private void atShutdown() {
    boolean waited;
    lock.lock();
    try {
      over = true;
      waited = waits != null;
      if (waits != null) {
        waits.interrupt();
      }
    } finally {
      lock.unlock();
    }
    try {
      if (waited) {
        closed.await(LONGEST_GIVING_BACK.toMillis(), TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closed.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // this process is ending: the hook runs
    }
  }
}
