package dev.pgkeeper.shared;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.recipe.SerialExecutor;
import dev.pgkeeper.internal.session.Sessions;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Numbers from 1 on that are handed out once, whatever process asks, and whatever crashed or was
 * restarted. They come from blocks: a {@link Counter} at the path says how far they have been given
 * away; a process takes the next block by one addition to it, and hands out its numbers without a
 * round trip. When half of a block is used, the next one is fetched in the background.
 *
 * <pre>{@code
 * IdGenerator ids = keeper.idGenerator("/ids/orders"); // one for all threads
 * long id = ids.next();
 * }</pre>
 *
 * <p>The first block is as large as the caller asked for. A later one is twice as large as the one
 * before if that lasted less than a second, and half as large if it lasted more than ten: a process
 * that uses many numbers does not wait for the database, and one that uses few does not waste many.
 *
 * <p>The numbers of one object grow; those of several are mixed. There are gaps: what a process had
 * of its block and of the next one when it ended, at most what it uses in some ten seconds or two
 * blocks, is never handed out, nor is a block whose fetch failed with an unknown outcome.
 *
 * <p>Use one for all threads of a process: each object has blocks of its own. After its keeper's
 * session was lost it hands out what it has, and goes on in the next one.
 */
public final class IdGenerator {
  private static final Logger log = LoggerFactory.getLogger(IdGenerator.class);
  private static final int BLOCK_SIZE = 1000;
  private static final int MOST_DOUBLINGS = 20;
  private static final long QUICK_NANOS = Duration.ofSeconds(1).toNanos();
  private static final long SLOW_NANOS = Duration.ofSeconds(10).toNanos();

  private final Sessions sessions;
  private final String path;
  private final int blockSize;
  private final SerialExecutor serially;
  private volatile Block block = new Block(1, 0);

  /** Held while a block is fetched. */
  private final ReentrantLock fetching = new ReentrantLock();

  // Guarded by fetching.
  private @Nullable Block ahead;
  private int doublings;
  private long lastFetch = System.nanoTime() - SLOW_NANOS;

  private static final class Block {
    final long first;
    final long size;

    /** How many are used; not the next number itself, which would overflow after the last. */
    final AtomicLong used = new AtomicLong();

    Block(long first, long size) {
      this.first = first;
      this.size = size;
    }
  }

  /**
   * Blocks of a thousand at first.
   *
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public IdGenerator(Sessions sessions, String path) {
    this(sessions, path, BLOCK_SIZE);
  }

  /**
   * Blocks of {@code blockSize} at first, and at least.
   *
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public IdGenerator(Sessions sessions, String path, int blockSize) {
    if (blockSize < 1) {
      throw new IllegalArgumentException(
          path + ": blocks of " + blockSize + " ids; use 1 to " + Integer.MAX_VALUE);
    }
    this.sessions = Objects.requireNonNull(sessions, "sessions");
    this.path = Objects.requireNonNull(path, "path");
    this.blockSize = blockSize;
    this.serially = new SerialExecutor("pgkeeper-ids " + path);
  }

  public String path() {
    return path;
  }

  /**
   * The next number. Waits for the database only where the next block is not there yet.
   *
   * @throws KeeperException.Overflow if there is no block left: 64 bits hold no greater number
   */
  public long next() {
    while (true) {
      Block present = block;
      // Read before it is incremented: however often callers ask in vain, it does not overflow.
      if (present.used.get() < present.size) {
        long place = present.used.getAndIncrement();
        if (place == (present.size - 1) / 2) {
          serially.run(this::fetchAhead);
        }
        if (place < present.size) {
          return present.first + place;
        }
      }
      replace(present);
    }
  }

  /** A step. It need not succeed: a caller that finds no block ahead fetches one itself. */
  private void fetchAhead() {
    fetching.lock();
    try {
      if (ahead == null) {
        ahead = fetch();
      }
    } catch (KeeperException | IllegalStateException e) {
      log.debug("{}: no block was fetched ahead", path, e);
    } finally {
      fetching.unlock();
    }
  }

  private void replace(Block used) {
    fetching.lock();
    try {
      if (block == used) {
        block = ahead == null ? fetch() : ahead;
        ahead = null;
      }
    } finally {
      fetching.unlock();
    }
  }

  private Block fetch() {
    long since = System.nanoTime() - lastFetch;
    if (since < QUICK_NANOS) {
      doublings = Math.min(MOST_DOUBLINGS, doublings + 1);
    } else if (since > SLOW_NANOS) {
      doublings = Math.max(0, doublings - 1);
    }
    long size = Math.min(Integer.MAX_VALUE, (long) blockSize << doublings);
    long last = sessions.inPresent(now -> new Counter(sessions, path, now.tree()).add(size));
    lastFetch = System.nanoTime();
    return new Block(last - size + 1, size);
  }

  @Override
  public String toString() {
    return "IdGenerator[" + path + "]";
  }
}
