package dev.pgkeeper.bench.tree;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.tree.WatchMode;

/** Two keepers, each with a pool and a listener connection of its own. */
final class PgkeeperSignals implements Signals {
  private static final String PATH = "/signal";

  private final HikariDataSource firstPool;
  private final HikariDataSource secondPool;
  private final Keeper first;
  private final Keeper second;

  /** The database has been migrated. */
  PgkeeperSignals(String url) {
    firstPool = Postgres.pool(url, 2);
    secondPool = Postgres.pool(url, 2);
    first = Keeper.connect(firstPool);
    second = Keeper.connect(secondPool);
    if (first.tree().exists(PATH).isEmpty()) {
      first.tree().create(PATH, OperationCase.DATA);
    }
  }

  @Override
  public void set() {
    first.tree().set(PATH, OperationCase.DATA);
  }

  @Override
  public void watch(Runnable told) {
    second.tree().watch(PATH, WatchMode.PERSISTENT, event -> told.run());
  }

  @Override
  public void watchOnce(Runnable told) {
    second.tree().get(PATH, event -> told.run());
  }

  @Override
  public void close() {
    second.close();
    first.close();
    secondPool.close();
    firstPool.close();
  }
}
