package dev.pgkeeper.lock;

import dev.pgkeeper.Held;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.session.Sessions;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;

/**
 * A {@link ReentrantMutex} for code that wants a {@link Lock}. Such code cannot ask whether it
 * still holds the lock; it learns at {@link #unlock} that it did not. {@link #held} gives it what
 * it needs to do better.
 *
 * <pre>{@code
 * JavaLock lock = keeper.javaLock("/orders/7");
 * lock.lock();
 * try {
 *   serve();
 * } finally {
 *   lock.unlock();
 * }
 * }</pre>
 */
public final class JavaLock implements Lock {
  private final ReentrantMutex mutex;
  private final Map<Thread, Deque<Held>> held = new ConcurrentHashMap<>();

  /**
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public JavaLock(Sessions sessions, String path) {
    this.mutex = new ReentrantMutex(sessions, path);
  }

  public String path() {
    return mutex.path();
  }

  /** Waits as long as it takes; an interruption is left for later. */
  @Override
  public void lock() {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          lockInterruptibly();
          return;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public void lockInterruptibly() throws InterruptedException {
    push(mutex.acquire());
  }

  @Override
  public boolean tryLock() {
    return push(mutex.tryAcquire());
  }

  @Override
  public boolean tryLock(long time, TimeUnit unit) throws InterruptedException {
    return push(mutex.tryAcquire(Duration.ofNanos(Math.max(0, unit.toNanos(time)))));
  }

  private boolean push(Optional<Held> got) {
    got.ifPresent(this::push);
    return got.isPresent();
  }

  private void push(Held got) {
    held.computeIfAbsent(Thread.currentThread(), thread -> new ArrayDeque<>()).push(got);
  }

  /** What this thread locked last and did not unlock yet; empty if there is nothing. */
  public Optional<Held> held() {
    Deque<Held> own = held.get(Thread.currentThread());
    return own == null ? Optional.empty() : Optional.of(own.element());
  }

  /**
   * Gives back what this thread locked last.
   *
   * @throws IllegalMonitorStateException if this thread did not lock it
   * @throws KeeperException.NotHeld if it was lost meanwhile: somebody else may have had it already
   */
  @Override
  public void unlock() {
    Deque<Held> own = held.get(Thread.currentThread());
    if (own == null) {
      throw new IllegalMonitorStateException(
          path() + " was not locked by this thread, " + Thread.currentThread().getName());
    }
    Held last = own.pop();
    if (own.isEmpty()) {
      held.remove(Thread.currentThread());
    }
    last.release();
  }

  /** Not supported: one process would have to wait for the condition, and another to signal it. */
  @Override
  public Condition newCondition() {
    throw new UnsupportedOperationException(
        path() + ": a lock in a database has no conditions; watch a node instead");
  }

  @Override
  public String toString() {
    return "JavaLock[" + path() + "]";
  }
}
