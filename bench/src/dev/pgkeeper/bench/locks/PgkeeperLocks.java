package dev.pgkeeper.bench.locks;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.lock.Mutex;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** pgkeeper's mutex. */
final class PgkeeperLocks implements Locks {
  private final Keeper keeper;
  private final @Nullable HikariDataSource ownPool;

  private PgkeeperLocks(HikariDataSource pool, boolean isOwn) {
    keeper = Keeper.connect(pool);
    ownPool = isOwn ? pool : null;
  }

  /** A client with a pool of its own; the database has been migrated. */
  static PgkeeperLocks connect(String url, int poolSize) {
    HikariDataSource pool = Postgres.pool(url, poolSize);
    try {
      return new PgkeeperLocks(pool, true);
    } catch (RuntimeException e) {
      pool.close();
      throw e;
    }
  }

  /** A client whose pool is the caller's. */
  static PgkeeperLocks connect(HikariDataSource pool) {
    return new PgkeeperLocks(pool, false);
  }

  Mutex mutex(String name) {
    return keeper.lock("/locks/" + name);
  }

  CompletableFuture<Held> acquireAsync(String name) {
    return mutex(name).acquireAsync();
  }

  @Override
  public OwnLock named(String name) {
    return new OwnLock(mutex(name));
  }

  @Override
  public void close() {
    keeper.close();
    if (ownPool != null) {
      ownPool.close();
    }
  }

  /** One that also knows whether it still has what it acquired. */
  static final class OwnLock implements NamedLock {
    private final Mutex mutex;
    private volatile @Nullable Held held;

    private OwnLock(Mutex mutex) {
      this.mutex = mutex;
    }

    @Override
    public void acquire() throws InterruptedException {
      held = mutex.acquire();
    }

    @Override
    public void release() {
      held.release();
    }

    boolean isHeld() {
      return held.isHeld();
    }
  }
}
