package dev.pgkeeper.lock;

import dev.pgkeeper.Held;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.line.Contender;
import dev.pgkeeper.line.Line;
import dev.pgkeeper.line.LineRequest;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/**
 * Any number of readers, or one writer. First come first served: a reader that comes after a
 * waiting writer waits for it, so writers do not starve.
 *
 * <pre>{@code
 * ReadWriteLock lock = keeper.readWriteLock("/catalogue");
 * try (Held write = lock.write().acquire()) {
 *   write.inTransaction(connection -> change(connection));
 *   try (Held read = lock.downgrade(write)) {
 *     serve();
 *   }
 * }
 * }</pre>
 *
 * <p>A writer can become a reader without anybody getting in between ({@link #downgrade}). A reader
 * cannot become a writer: two that tried would wait for each other. A thread that would wait for
 * itself in this way gets an {@link IllegalStateException} instead. {@code acquireAsync} keeps no
 * thread waiting, so there it is allowed.
 *
 * <p>Immutable; any number of objects with the same path are the same lock.
 */
public final class ReadWriteLock {
  private static final String RECIPE = "read_write";
  private static final int MOST_READERS = 1_000_000;

  private final Sessions sessions;
  private final Line line;
  private final UnaryOperator<LineRequest> extras;

  /**
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public ReadWriteLock(Sessions sessions, String path) {
    this(sessions, sessions.line(path, RECIPE, MOST_READERS), UnaryOperator.identity());
  }

  private ReadWriteLock(Sessions sessions, Line line, UnaryOperator<LineRequest> extras) {
    this.sessions = sessions;
    this.line = line;
    this.extras = extras;
  }

  /**
   * Returns the same lock for holds that end by themselves this long after they were granted,
   * whatever their client does.
   */
  public ReadWriteLock atMost(Duration limit) {
    return new ReadWriteLock(sessions, line, ask -> extras.apply(ask).atMost(limit));
  }

  /** Returns the same lock with data that others see for whoever waits or holds through it. */
  public ReadWriteLock withData(byte[] data) {
    return new ReadWriteLock(sessions, line, ask -> extras.apply(ask).data(data));
  }

  public String path() {
    return line.path();
  }

  /** To hold it with other readers. */
  public Side read() {
    return new Side("read");
  }

  /** To hold it alone. */
  public Side write() {
    return new Side("write");
  }

  /**
   * Turns a write into a read, and lets in the readers that wait behind it. What was handed in is
   * released; the token stays.
   *
   * @throws IllegalArgumentException if it is no write of this lock
   * @throws KeeperException.NotHeld if it was released before, or lost
   */
  public Held downgrade(Held write) {
    boolean own = ThreadHolds.of(sessions, name("write")).contains(write);
    Held read = line.downgrade(write);
    return own ? ThreadHolds.add(sessions, name("read"), read) : read;
  }

  /** Who holds it, first come first: one {@code write}, or {@code read}s. */
  public List<Contender> holders() {
    return line.contenders().stream().filter(Contender::holds).toList();
  }

  /** Who waits, first come first. */
  public List<Contender> waiters() {
    return line.contenders().stream().filter(contender -> !contender.holds()).toList();
  }

  /** Asks all who hold it to give it back (see {@link Held#onRevocation}). How many were asked. */
  public int revoke() {
    return line.revoke();
  }

  private String name(String what) {
    return RECIPE + " " + what + " " + path();
  }

  @Override
  public String toString() {
    return "ReadWriteLock[" + path() + "]";
  }

  /** One of the two ways to hold the lock. */
  public final class Side {
    private final String what;

    private Side(String what) {
      this.what = what;
    }

    private LineRequest ask() {
      return extras.apply(LineRequest.of(what));
    }

    /**
     * Waits as long as it takes.
     *
     * @throws IllegalStateException if this thread would wait for itself
     */
    public Held acquire() throws InterruptedException {
      ensureNotInOwnWay();
      if (ThreadHolds.of(sessions, name("read")).isEmpty()) {
        return own(line.join(ask()));
      }
      return tryAcquire()
          .orElseThrow(
              () ->
                  new IllegalStateException(
                      path()
                          + ": this thread holds a read, a writer waits for that, and another read"
                          + " would wait for the writer; use the read that is there"));
    }

    /**
     * Waits at most this long.
     *
     * @throws KeeperException.Busy if that was not enough; names the holders
     * @throws IllegalStateException if this thread would wait for itself
     */
    public Held acquire(Duration patience) throws InterruptedException {
      ensureNotInOwnWay();
      return own(line.join(ask(), patience));
    }

    /**
     * Empty if somebody is in the way.
     *
     * @throws IllegalStateException if it is this thread
     */
    public Optional<Held> tryAcquire() {
      ensureNotInOwnWay();
      return line.tryJoin(ask()).map(this::own);
    }

    /**
     * Empty if it could not be had in this time.
     *
     * @throws IllegalStateException if this thread would wait for itself
     */
    public Optional<Held> tryAcquire(Duration patience) throws InterruptedException {
      ensureNotInOwnWay();
      return line.tryJoin(ask(), patience).map(this::own);
    }

    /** Waits without a thread; cancel the future to give up. */
    public CompletableFuture<Held> acquireAsync() {
      return line.joinAsync(ask());
    }

    private Held own(Held held) {
      return ThreadHolds.add(sessions, name(what), held);
    }

    private void ensureNotInOwnWay() {
      if (!ThreadHolds.of(sessions, name("write")).isEmpty()) {
        throw new IllegalStateException(
            path()
                + ": this thread holds the write and asks for the "
                + what
                + (what.equals("read") ? "; use downgrade(write)" : "; it has it already"));
      } else if (what.equals("write") && !ThreadHolds.of(sessions, name("read")).isEmpty()) {
        throw new IllegalStateException(
            path()
                + ": this thread holds a read and asks for the write, and would wait for itself;"
                + " release the read first, and look again at what was read once the write is there");
      }
    }
  }
}
