package dev.pgkeeper.lock;

import dev.pgkeeper.Held;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.session.Sessions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Several mutexes, all or none. They are acquired in the order of their paths, so two callers that
 * want some of the same ones never wait for each other. A caller that gives up on one gives back
 * the others.
 *
 * <pre>{@code
 * try (HeldAll both = keeper.multiLock(List.of("/accounts/1", "/accounts/2")).acquire()) {
 *   both.inTransaction(connection -> transfer(connection));
 * }
 * }</pre>
 *
 * <p>Immutable; each is the same lock as {@link Mutex} of that path.
 */
public final class MultiLock {
  private final List<Mutex> mutexes;

  /**
   * A path that comes twice is locked once.
   *
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public MultiLock(Sessions sessions, Collection<String> paths) {
    this(new TreeSet<>(paths).stream().map(path -> new Mutex(sessions, path)).toList());
    if (mutexes.isEmpty()) {
      throw new IllegalArgumentException("a lock of nothing; name at least one path");
    }
  }

  private MultiLock(List<Mutex> mutexes) {
    this.mutexes = mutexes;
  }

  /** Returns the same locks for holds that end by themselves this long after each was granted. */
  public MultiLock atMost(Duration limit) {
    return new MultiLock(mutexes.stream().map(mutex -> mutex.atMost(limit)).toList());
  }

  /** Returns the same locks with data that others see for whoever waits or holds through them. */
  public MultiLock withData(byte[] data) {
    return new MultiLock(mutexes.stream().map(mutex -> mutex.withData(data)).toList());
  }

  /** In the order in which they are acquired. */
  public List<String> paths() {
    return mutexes.stream().map(Mutex::path).toList();
  }

  private interface Attempt<X extends Exception> {
    Optional<Held> at(Mutex mutex) throws X;
  }

  /** Waits as long as it takes. */
  public HeldAll acquire() throws InterruptedException {
    return all(mutex -> Optional.of(mutex.acquire())).orElseThrow();
  }

  /**
   * Waits at most this long for all of them together.
   *
   * @throws KeeperException.Busy if that was not enough; names who holds the first that was missing
   */
  public HeldAll acquire(Duration patience) throws InterruptedException {
    Deadline deadline = Deadline.in(patience);
    return all(mutex -> Optional.of(mutex.acquire(deadline.left()))).orElseThrow();
  }

  /** Empty if somebody else holds one of them. */
  public Optional<HeldAll> tryAcquire() {
    return this.<RuntimeException>all(Mutex::tryAcquire);
  }

  /** Empty if they could not all be had in this time. */
  public Optional<HeldAll> tryAcquire(Duration patience) throws InterruptedException {
    Deadline deadline = Deadline.in(patience);
    return all(mutex -> mutex.tryAcquire(deadline.left()));
  }

  private <X extends Exception> Optional<HeldAll> all(Attempt<X> attempt) throws X {
    List<Held> got = new ArrayList<>();
    boolean done = false;
    try {
      for (Mutex mutex : mutexes) {
        Optional<Held> next = attempt.at(mutex);
        if (next.isEmpty()) {
          return Optional.empty();
        }
        got.add(next.get());
      }
      done = true;
      return Optional.of(new HeldAll(got));
    } finally {
      if (!done) {
        giveBack(got);
      }
    }
  }

  private static void giveBack(List<Held> got) {
    Collections.reverse(got);
    got.forEach(Held::close);
  }

  private record Deadline(long at) {
    private static final Duration LONGEST = Duration.ofDays(365);

    static Deadline in(Duration patience) {
      if (patience.isNegative()) {
        throw new IllegalArgumentException("the patience is " + patience + "; use 0 or more");
      }
      return new Deadline(
          System.nanoTime()
              + (patience.compareTo(LONGEST) < 0 ? patience.toNanos() : LONGEST.toNanos()));
    }

    Duration left() {
      return Duration.ofNanos(Math.max(0, at - System.nanoTime()));
    }
  }

  @Override
  public String toString() {
    return "MultiLock" + paths();
  }
}
