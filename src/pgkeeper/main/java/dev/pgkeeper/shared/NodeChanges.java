package dev.pgkeeper.shared;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Session;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.internal.recipe.SerialExecutor;
import dev.pgkeeper.internal.recipe.Watching;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.TreeOperations;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells what a node is now, and again whenever that has changed, in whichever session. A watch only
 * says that the node is to be read; what was read is told if it is not the node that was told last,
 * or if that node has changed since.
 */
final class NodeChanges {
  private static final Logger log = LoggerFactory.getLogger(NodeChanges.class);
  private static final long PAUSE_NANOS = Duration.ofSeconds(1).toNanos();

  private final Sessions sessions;
  private final String path;
  private final Consumer<Optional<Node>> listener;
  private final SerialExecutor serially;
  private final AtomicBoolean due = new AtomicBoolean();
  private volatile boolean closed;

  /** Used by the steps only: which change of which node was told last. */
  private @Nullable Moment told;

  private record Moment(long czxid, long mzxid) {
    static Moment of(Optional<Node> node) {
      Stat stat = node.map(Node::stat).orElse(null);
      return stat == null ? new Moment(0, 0) : new Moment(stat.czxid(), stat.mzxid());
    }
  }

  NodeChanges(Sessions sessions, String path, Consumer<Optional<Node>> listener) {
    this.sessions = sessions;
    this.path = path;
    this.listener = listener;
    this.serially = new SerialExecutor("pgkeeper-changes of " + path);
  }

  static Optional<Node> read(TreeOperations tree, String path) {
    try {
      return Optional.of(tree.get(path));
    } catch (KeeperException.NoNode e) {
      return Optional.empty();
    }
  }

  Subscription subscribe() {
    Subscription standing = sessions.inEach(this::follow);
    return () -> {
      closed = true;
      standing.close();
    };
  }

  private Subscription follow(Session next) {
    Watching watching = new Watching(next, path, changed -> lookSoon()).always();
    lookSoon();
    return watching;
  }

  private void lookSoon() {
    if (due.compareAndSet(false, true)) {
      serially.run(this::look);
    }
  }

  private void look() {
    while (!closed) {
      due.set(false);
      try {
        tell(sessions.inPresent(now -> read(now.tree(), path)));
        return;
      } catch (KeeperException.SessionExpired e) {
        log.debug("{}: the next session looks", path, e);
        return;
      } catch (KeeperException | IllegalStateException e) {
        log.warn("{} could not be read and is looked at again in a second", path, e);
        LockSupport.parkNanos(PAUSE_NANOS);
      }
    }
  }

  private void tell(Optional<Node> now) {
    Moment moment = Moment.of(now);
    if (closed || moment.equals(told)) {
      return;
    }
    told = moment;
    try {
      listener.accept(now);
    } catch (RuntimeException e) {
      log.error("{}: a listener for changes failed", path, e);
    }
  }
}
