package dev.pgkeeper.bench.locks;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.bench.server.Postgres;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;

/**
 * The floor: a row whose key is the lock, inserted and committed, deleted and committed, over a
 * pool as pgkeeper's. Nobody is told, nobody is numbered, and who dies leaves the row behind.
 */
final class PlainLocks implements Locks {
  private final HikariDataSource pool;

  /** In a database that has the {@linkplain #createTable table}. */
  PlainLocks(String url, int poolSize) {
    HikariConfig config = Postgres.poolConfig(url, poolSize);
    config.setAutoCommit(false);
    pool = new HikariDataSource(config);
  }

  static void createTable(String url) throws SQLException {
    Postgres.execute(url, "CREATE TABLE lock (name text COLLATE \"C\" PRIMARY KEY)");
  }

  @Override
  public NamedLock named(String name) {
    return new NamedLock() {
      @Override
      public void acquire() throws SQLException {
        execute("INSERT INTO lock VALUES (?)", name);
      }

      @Override
      public void release() throws SQLException {
        execute("DELETE FROM lock WHERE name = ?", name);
      }
    };
  }

  private void execute(String sql, String name) throws SQLException {
    try (Connection connection = pool.getConnection();
        PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setString(1, name);
      int rows = statement.executeUpdate();
      connection.commit();
      if (rows != 1) {
        throw new IllegalStateException("It was not as it should be: " + name);
      }
    }
  }

  @Override
  public void close() {
    pool.close();
  }
}
