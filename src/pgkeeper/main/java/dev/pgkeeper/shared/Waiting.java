package dev.pgkeeper.shared;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Session;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.WatchKind;
import dev.pgkeeper.tree.Watcher;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * One caller's wait for nodes to become as it wants them, with one deadline however often it looks
 * and waits again. A wake-up only tells the caller to look: what the caller then reads decides
 * whether its wait is over. Closing takes back the watches that were not used up.
 */
final class Waiting implements AutoCloseable {
  /** As long as it takes. */
  static final Duration FOREVER = Duration.ofDays(36_500);

  private final Session session;
  private final long deadline;
  private final Semaphore told = new Semaphore(0);
  private final Watcher watcher = event -> told.release();
  private final Set<String> watched = new HashSet<>();
  private final Subscription states;

  Waiting(Session session, Duration patience) {
    this.session = session;
    Duration longest = patience.compareTo(FOREVER) < 0 ? patience : FOREVER;
    this.deadline = System.nanoTime() + longest.toNanos();
    // Whoever waits in a session that ended looks again, and is told so.
    this.states = session.onStateChange(state -> wakeAtTheEnd(state.isTerminal()));
  }

  private void wakeAtTheEnd(boolean ended) {
    if (ended) {
      told.release();
    }
  }

  /**
   * Tells whether the node is there; this caller is woken when the node is created, deleted or set.
   */
  Optional<Stat> exists(String path) {
    watched.add(path);
    return session.tree().exists(path, watcher);
  }

  /**
   * The node, with a watch that wakes this caller when the node is set or deleted; empty, and
   * without a watch, if there is no node.
   */
  Optional<Node> get(String path) {
    watched.add(path);
    try {
      return Optional.of(session.tree().get(path, watcher));
    } catch (KeeperException.NoNode e) {
      return Optional.empty();
    }
  }

  /**
   * Tells whether the node is there; this caller is woken when the node is deleted, not when it is
   * set.
   */
  boolean isThere(String path) {
    watched.add(path);
    try {
      session.tree().children(path, watcher);
      return true;
    } catch (KeeperException.NoNode e) {
      return false;
    }
  }

  /** Waits until it is time to look again. Returns false if the time is over. */
  boolean await() throws InterruptedException {
    if (!told.tryAcquire(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
      return false;
    }
    told.drainPermits();
    return true;
  }

  @Override
  public void close() {
    states.close();
    for (String path : watched) {
      try {
        session.tree().unwatch(path, WatchKind.ANY, watcher);
      } catch (KeeperException.NoWatcher e) {
        // it was told
      } catch (KeeperException.SessionExpired | IllegalStateException e) {
        return; // all went with the session
      }
    }
  }
}
