package dev.pgkeeper.recipes;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.WatchKind;
import dev.pgkeeper.WatchMode;
import dev.pgkeeper.Watcher;

/**
 * A watch that stays, until it is closed or its session ends; closing it after that does nothing.
 */
final class Watching implements Subscription {
  private final Keeper keeper;
  private final String path;
  private final Watcher watcher;

  private Watching(Keeper keeper, String path, Watcher watcher) {
    this.keeper = keeper;
    this.path = path;
    this.watcher = watcher;
  }

  static Watching begin(Keeper keeper, String path, WatchMode mode, Watcher watcher) {
    keeper.tree().watch(path, mode, watcher);
    return new Watching(keeper, path, watcher);
  }

  @Override
  public void close() {
    try {
      keeper.tree().unwatch(path, WatchKind.ANY, watcher);
    } catch (KeeperException.NoWatcher | KeeperException.SessionExpired e) {
      // went with the session, or was closed before
    } catch (IllegalStateException e) {
      if (!keeper.state().isTerminal()) {
        throw e;
      }
    }
  }
}
