package dev.pgkeeper.testing;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

/** What a listener was told so far, to wait for and to look at. */
public final class Heard<T> {

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition more = lock.newCondition();
  private final List<T> all = new ArrayList<>();

  /** Hands in what was told. */
  public void add(T told) {
    lock.lock();
    try {
      all.add(told);
      more.signalAll();
    } finally {
      lock.unlock();
    }
  }

  public List<T> all() {
    lock.lock();
    try {
      return new ArrayList<>(all);
    } finally {
      lock.unlock();
    }
  }

  /** The first one that is wanted; an AssertionError if none comes. */
  public T await(Predicate<T> wanted) {
    long left = Await.LIMIT.toNanos();
    lock.lock();
    try {
      while (true) {
        for (T told : all) {
          if (wanted.test(told)) {
            return told;
          }
        }
        if (left <= 0) {
          throw new AssertionError("Not heard within " + Await.LIMIT + "; heard: " + all);
        }
        left = more.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted", e);
    } finally {
      lock.unlock();
    }
  }

  public T await(T wanted) {
    return await(wanted::equals);
  }
}
