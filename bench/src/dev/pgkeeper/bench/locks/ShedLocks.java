package dev.pgkeeper.bench.locks;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.bench.server.Postgres;
import java.sql.SQLException;
import java.time.Duration;
import net.javacrumbs.shedlock.core.ClockProvider;
import net.javacrumbs.shedlock.core.LockConfiguration;
import net.javacrumbs.shedlock.core.LockProvider;
import net.javacrumbs.shedlock.core.SimpleLock;
import net.javacrumbs.shedlock.provider.jdbc.JdbcLockProvider;
import org.jspecify.annotations.Nullable;

/** ShedLock on the same PostgreSQL. It does not wait: who finds a lock taken goes away. */
final class ShedLocks implements Locks {
  private final HikariDataSource pool;
  private final LockProvider provider;

  ShedLocks(String url, int poolSize) throws SQLException {
    Postgres.execute(
        url,
        "CREATE TABLE shedlock (name varchar(64) PRIMARY KEY, lock_until timestamp NOT NULL,"
            + " locked_at timestamp NOT NULL, locked_by varchar(255) NOT NULL)");
    pool = Postgres.pool(url, poolSize);
    provider = new JdbcLockProvider(pool);
  }

  @Override
  public NamedLock named(String name) {
    return new NamedLock() {
      private @Nullable SimpleLock held;

      @Override
      public void acquire() {
        held =
            provider
                .lock(
                    new LockConfiguration(
                        ClockProvider.now(), name, Subjects.TIMEOUT, Duration.ZERO))
                .orElseThrow(() -> new IllegalStateException(name + " is taken"));
      }

      @Override
      public void release() {
        held.unlock();
      }
    };
  }

  @Override
  public void close() {
    pool.close();
  }
}
