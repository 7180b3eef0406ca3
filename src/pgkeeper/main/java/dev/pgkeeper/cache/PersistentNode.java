package dev.pgkeeper.cache;

import dev.pgkeeper.DataTooLargeException;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Session;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.internal.recipe.Attempts;
import dev.pgkeeper.internal.recipe.ErrorListeners;
import dev.pgkeeper.internal.recipe.SerialExecutor;
import dev.pgkeeper.internal.recipe.Watching;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.internal.session.Sessions.Closing;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.Stat;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A node that is there as long as its owner lives: an ephemeral one that is created again after a
 * lost session or a deletion by others, until it is closed. If its process dies, the node goes with
 * the session, after the grace.
 *
 * <pre>{@code
 * try (PersistentNode node = keeper.persistentNode("/workers/ada", data)) {
 *   node.awaitThere(Duration.ofSeconds(10));
 *   serve();
 * }
 * }</pre>
 *
 * <p>There is one node, whatever becomes of connections and replies: each attempt looks at the path
 * first and knows its own node by the number of its creation. The node belongs to whoever created
 * it. While somebody else's node is there, even one of another owner in this keeper, this one waits
 * until that is gone, and neither sets nor deletes it. So a process that was started again takes
 * over from the session that it left behind.
 *
 * <p>What others set as its data stays until {@link #setData}, or until it has to be created again.
 */
public final class PersistentNode implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PersistentNode.class);

  private final String path;
  private final CreateMode mode;
  private final OwnNode node;
  private final int mostBytes;
  private final ErrorListeners errors;
  private final Attempts attempts;
  private final SerialExecutor serially;
  private final Subscription standing;

  /** Held while the node is looked at and changed, so that no two of these cross. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition changed = lock.newCondition();

  // Changed under the lock.
  private byte[] data;
  private boolean unwritten;
  private @Nullable Watching watching;
  private boolean closed;

  /**
   * An ephemeral node. It is there when this returns, unless somebody else's is.
   *
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public PersistentNode(Sessions sessions, String path, byte[] data) {
    this(sessions, path, data, CreateMode.EPHEMERAL);
  }

  /**
   * Keeps a node of another mode: {@link CreateMode#PERSISTENT} for a node that outlives sessions
   * and may have children. It takes over a node that is there already, whoever made it, and sets
   * this data. So several owners may keep one node, and it comes back if one of them is closed.
   *
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public PersistentNode(Sessions sessions, String path, byte[] data, CreateMode mode) {
    if (mode != CreateMode.EPHEMERAL && mode != CreateMode.PERSISTENT) {
      throw new IllegalArgumentException(
          path + ": the mode is " + mode + "; use EPHEMERAL or PERSISTENT, and a path of its own");
    }
    this.path = path;
    this.mode = mode;
    this.node = new OwnNode(path, mode);
    this.mostBytes = sessions.options().maxDataBytes();
    this.data = checked(data);
    this.unwritten = mode == CreateMode.PERSISTENT;
    this.errors = new ErrorListeners(toString());
    this.attempts = new Attempts(path, errors);
    this.serially = new SerialExecutor("pgkeeper-node " + path);
    this.standing = sessions.inEach(Closing.REGISTRATION, this::begin);
  }

  private byte[] checked(byte[] bytes) {
    if (bytes.length > mostBytes) {
      throw new DataTooLargeException(path, bytes.length, mostBytes);
    }
    return bytes.clone();
  }

  public String path() {
    return path;
  }

  /** Whether the node was there when it was last looked at, and is this owner's. */
  public boolean isThere() {
    return node.seen().isPresent();
  }

  /** What is known of the node; empty while it is not there. */
  public Optional<Stat> stat() {
    return node.seen();
  }

  /** Waits until the node is there. Returns false if it is not in this time. */
  public boolean awaitThere(Duration patience) throws InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    if (!lock.tryLock(patience.toNanos(), TimeUnit.NANOSECONDS)) {
      return isThere();
    }
    try {
      long left = deadline - System.nanoTime();
      while (!isThere() && left > 0) {
        left = changed.awaitNanos(left);
      }
      return isThere();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Gives it other data: at once if it is there, else when it is created.
   *
   * @throws KeeperException if the database could not be reached: the node gets it later
   */
  public void setData(byte[] newData) {
    byte[] next = checked(newData);
    lock.lock();
    try {
      ensureOpen();
      data = next;
      unwritten = true;
      Watching now = watching;
      if (now != null && !now.session().state().isTerminal()) {
        try {
          beThere(now);
        } catch (KeeperException.SessionExpired e) {
          log.debug("{}: the next session's node gets the data", path, e);
        } catch (KeeperException e) {
          tryAgain(now, e);
          throw e;
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private void ensureOpen() {
    if (closed) {
      throw new IllegalStateException(this + " was closed");
    }
  }

  /**
   * Tells why the node cannot be created, unless it is only that the database cannot be reached;
   * creating it is tried again and again. Without a listener, the reason is logged.
   */
  public Subscription onError(Consumer<Throwable> listener) {
    return errors.add(Objects.requireNonNull(listener, "listener"));
  }

  /** The work in each session: others see the node after the first round trip. */
  private Subscription begin(Session next) {
    Watching begun = new Watching(next, path, this::keepThereSoon);
    lock.lock();
    try {
      if (closed) {
        return () -> {};
      }
      watching = begun;
      unwritten &= !node.create(next, data);
      beThere(begun);
      return () -> end(begun);
    } catch (RuntimeException e) {
      watching = null;
      begun.close();
      throw e;
    } finally {
      lock.unlock();
    }
  }

  private void end(Watching over) {
    over.close();
    lock.lock();
    try {
      if (watching == over && !closed) {
        watching = null;
        if (over.session().isHeld()) {
          deleteBeforeTheSession(over.session());
        }
        node.forget();
      }
    } finally {
      lock.unlock();
    }
  }

  /** The keeper is being closed: others are to see at once that this has gone. */
  private void deleteBeforeTheSession(Session session) {
    if (mode == CreateMode.EPHEMERAL) {
      try {
        node.delete(session);
      } catch (KeeperException e) {
        log.debug("{}: left to go with its session", path, e);
      }
    }
  }

  private void keepThereSoon(Watching in) {
    serially.run(() -> keepThere(in));
  }

  /** A step: after something happened to the node, or could not be done. */
  private void keepThere(Watching in) {
    lock.lock();
    try {
      if (!closed && watching == in && !in.session().state().isTerminal()) {
        beThere(in);
      }
    } catch (KeeperException.SessionExpired e) {
      log.debug("{}: the next session creates it", path, e);
    } catch (RuntimeException e) {
      if (!in.session().state().isTerminal()) {
        tryAgain(in, e);
      }
    } finally {
      lock.unlock();
    }
  }

  private void tryAgain(Watching in, RuntimeException failure) {
    attempts.report(failure);
    attempts.tryLater(() -> keepThereSoon(in));
  }

  private void beThere(Watching in) {
    if (node.ensureThere(in, data, unwritten)) {
      unwritten = false;
      attempts.succeeded();
      changed.signalAll();
    } else {
      log.info("{}: waits for the node of another owner to go", path);
    }
  }

  /**
   * Removes the node, and keeps it no more. Calling it again does nothing.
   *
   * @throws KeeperException if it could not be removed: then it goes with the session, or has to be
   *     deleted by hand if it is a persistent one
   */
  @Override
  public void close() {
    Watching last;
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      last = watching;
    } finally {
      lock.unlock();
    }
    standing.close();
    lock.lock();
    try {
      if (last != null && !last.session().state().isTerminal()) {
        node.delete(last.session());
      }
    } catch (KeeperException.SessionExpired e) {
      log.debug("{}: it was gone before", path, e);
    } finally {
      node.forget();
      lock.unlock();
    }
  }

  /** Shows no data: payloads do not belong in logs. */
  @Override
  public String toString() {
    return "PersistentNode[" + path + "]";
  }
}
