package dev.pgkeeper.internal.recipe;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Session;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.WatchKind;
import dev.pgkeeper.tree.WatchMode;
import dev.pgkeeper.tree.Watcher;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Hears of what happens to a node, until it is closed or its session ends; closing it after that
 * does nothing.
 */
public final class Watching implements Subscription {
  private final Session session;
  private final String path;
  private final Watcher watcher;

  public Watching(Session session, String path, Consumer<Watching> happened) {
    this.session = session;
    this.path = path;
    this.watcher = event -> happened.accept(this);
  }

  public Session session() {
    return session;
  }

  /** What is there, and hears of the next thing that happens to that. */
  public Optional<Stat> look() {
    return session.tree().exists(path, watcher);
  }

  /** Hears of everything from now on. */
  public Watching always() {
    session.tree().watch(path, WatchMode.PERSISTENT, watcher);
    return this;
  }

  @Override
  public void close() {
    try {
      session.tree().unwatch(path, WatchKind.ANY, watcher);
    } catch (KeeperException.NoWatcher | KeeperException.SessionExpired e) {
      // it was used up, went with the session, or was closed before
    } catch (IllegalStateException e) {
      if (!session.state().isTerminal()) {
        throw e;
      }
    }
  }
}
