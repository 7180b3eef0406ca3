package dev.pgkeeper.lock;

import dev.pgkeeper.Held;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.session.Sessions;
import java.time.Duration;
import java.util.Optional;

/**
 * A {@link Mutex} that a thread may acquire again while it holds it. Each acquisition is closed
 * separately. The lock is released when all of them are closed, whichever thread closes them.
 *
 * <pre>{@code
 * ReentrantMutex mutex = keeper.reentrantLock("/orders/7");
 * try (Held outer = mutex.acquire();
 *     Held inner = mutex.acquire()) {
 *   inner.inTransaction(connection -> ship(connection));
 * }
 * }</pre>
 *
 * <p>Immutable; any number of objects with the same path are the same lock. It is also the same
 * lock as the {@link Mutex} of that path, so a thread that holds this one must not wait for the
 * {@code Mutex}.
 */
public final class ReentrantMutex {
  private final Sessions sessions;
  private final Mutex mutex;
  private final String name;

  /**
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public ReentrantMutex(Sessions sessions, String path) {
    this(sessions, new Mutex(sessions, path));
  }

  private ReentrantMutex(Sessions sessions, Mutex mutex) {
    this.sessions = sessions;
    this.mutex = mutex;
    this.name = "reentrant " + mutex.path();
  }

  /**
   * Returns the same lock for holds that end by themselves this long after the outermost was
   * granted, whatever their client does.
   */
  public ReentrantMutex atMost(Duration limit) {
    return new ReentrantMutex(sessions, mutex.atMost(limit));
  }

  /** Returns the same lock with data that others see of whoever waits or holds. */
  public ReentrantMutex withData(byte[] data) {
    return new ReentrantMutex(sessions, mutex.withData(data));
  }

  public String path() {
    return mutex.path();
  }

  /** At once if this thread holds it; waits as long as it takes otherwise. */
  public Held acquire() throws InterruptedException {
    Optional<Held> again = again();
    return again.isPresent() ? again.get() : first(mutex.acquire());
  }

  /**
   * At once if this thread holds it; waits at most this long otherwise.
   *
   * @throws KeeperException.Busy if that was not enough; names the holder
   */
  public Held acquire(Duration patience) throws InterruptedException {
    Optional<Held> again = again();
    return again.isPresent() ? again.get() : first(mutex.acquire(patience));
  }

  /** Empty if somebody else holds it. */
  public Optional<Held> tryAcquire() {
    return again().or(() -> mutex.tryAcquire().map(this::first));
  }

  /** Empty if it could not be had in this time. */
  public Optional<Held> tryAcquire(Duration patience) throws InterruptedException {
    Optional<Held> again = again();
    return again.isPresent() ? again : mutex.tryAcquire(patience).map(this::first);
  }

  /** Whether this thread has acquired it and certainly holds it at this moment. */
  public boolean isHeldByThisThread() {
    return ThreadHolds.of(sessions, name).stream().anyMatch(Held::isHeld);
  }

  /** How many acquisitions of this thread are not closed yet. */
  public int depth() {
    return ThreadHolds.of(sessions, name).size();
  }

  private Optional<Held> again() {
    for (Held held : ThreadHolds.of(sessions, name)) {
      Optional<Reentry> again = ((Reentry) held).again();
      if (again.isPresent()) {
        return Optional.of(ThreadHolds.add(sessions, name, again.get()));
      }
    }
    return Optional.empty();
  }

  private Held first(Held held) {
    return ThreadHolds.add(sessions, name, new Reentry(held));
  }

  @Override
  public String toString() {
    return "ReentrantMutex[" + path() + "]";
  }
}
