package dev.pgkeeper.lock;

import dev.pgkeeper.Held;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Session;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.line.Contender;
import dev.pgkeeper.line.Line;
import dev.pgkeeper.line.LineRequest;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Held by one at a time, first come first served. What acquiring returns stands for the hold:
 * whoever has that object can act under the lock, release it, or hand it to another thread. Two
 * acquisitions in one thread are two contenders, and the second waits for the first (for a thread
 * that may acquire again what it holds, see {@link ReentrantMutex}).
 *
 * <pre>{@code
 * Mutex mutex = keeper.lock("/orders/7");
 * try (Held held = mutex.acquire(Duration.ofSeconds(10))) {
 *   held.inTransaction(connection -> ship(connection));
 * }
 * Optional<Held> atOnce = mutex.tryAcquire();
 * }</pre>
 *
 * <p>A lock stays held until it is released or the session ends: there is nothing to renew.
 * Immutable; any number of objects with the same path are the same lock.
 */
public final class Mutex {
  private static final String RECIPE = "mutex";

  private final Line line;
  private final LineRequest request;

  /**
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public Mutex(Sessions sessions, String path) {
    this(sessions.line(path, RECIPE, 1), LineRequest.of("lock"));
  }

  /** Returns a lock for one session alone: what is asked of it fails once that has ended. */
  public static Mutex in(Session session, String path) {
    return new Mutex(session.line(path, RECIPE, 1), LineRequest.of("lock"));
  }

  private Mutex(Line line, LineRequest request) {
    this.line = line;
    this.request = request;
  }

  /**
   * Returns the same lock for holds that end by themselves this long after they were granted,
   * whatever their client does.
   */
  public Mutex atMost(Duration limit) {
    return new Mutex(line, request.atMost(limit));
  }

  /** Returns the same lock with data that others see of whoever waits or holds. */
  public Mutex withData(byte[] data) {
    return new Mutex(line, request.data(data));
  }

  public String path() {
    return line.path();
  }

  /** Waits as long as it takes. */
  public Held acquire() throws InterruptedException {
    return line.join(request);
  }

  /**
   * Waits at most this long.
   *
   * @throws KeeperException.Busy if that was not enough; names the holder
   */
  public Held acquire(Duration patience) throws InterruptedException {
    return line.join(request, patience);
  }

  /** Empty if somebody else holds it. */
  public Optional<Held> tryAcquire() {
    return line.tryJoin(request);
  }

  /** Empty if it could not be had in this time. */
  public Optional<Held> tryAcquire(Duration patience) throws InterruptedException {
    return line.tryJoin(request, patience);
  }

  /** Waits without a thread; cancel the future to give up. */
  public CompletableFuture<Held> acquireAsync() {
    return line.joinAsync(request);
  }

  public Optional<Contender> holder() {
    return line.contenders().stream().filter(Contender::holds).findFirst();
  }

  /** Who waits, first come first. */
  public List<Contender> waiters() {
    return line.contenders().stream().filter(contender -> !contender.holds()).toList();
  }

  /**
   * Asks the holder to give it back, see {@link Held#onRevocation}. Returns false if nobody holds
   * it.
   */
  public boolean revoke() {
    return line.revoke() > 0;
  }

  @Override
  public String toString() {
    return "Mutex[" + path() + "]";
  }
}
