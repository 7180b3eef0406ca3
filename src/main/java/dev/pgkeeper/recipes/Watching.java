package dev.pgkeeper.recipes;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Stat;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.WatchKind;
import dev.pgkeeper.WatchMode;
import dev.pgkeeper.Watcher;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Hears of what happens to a node, until it is closed or its session ends; closing it after that
 * does nothing.
 */
final class Watching implements Subscription {
  private final Keeper keeper;
  private final String path;
  private final Watcher watcher;

  Watching(Keeper keeper, String path, Consumer<Watching> happened) {
    this.keeper = keeper;
    this.path = path;
    this.watcher = event -> happened.accept(this);
  }

  Keeper keeper() {
    return keeper;
  }

  /** What is there, and hears of the next thing that happens to that. */
  Optional<Stat> look() {
    return keeper.tree().exists(path, watcher);
  }

  /** Hears of everything from now on. */
  Watching always() {
    keeper.tree().watch(path, WatchMode.PERSISTENT, watcher);
    return this;
  }

  @Override
  public void close() {
    try {
      keeper.tree().unwatch(path, WatchKind.ANY, watcher);
    } catch (KeeperException.NoWatcher | KeeperException.SessionExpired e) {
      // it was used up, went with the session, or was closed before
    } catch (IllegalStateException e) {
      if (!keeper.state().isTerminal()) {
        throw e;
      }
    }
  }
}
