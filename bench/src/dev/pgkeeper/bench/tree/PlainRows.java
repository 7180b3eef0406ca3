package dev.pgkeeper.bench.tree;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.server.Postgres;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/**
 * The floor: a table of paths and data, one statement in autocommit for each operation, over a pool
 * as pgkeeper's.
 */
final class PlainRows implements Znodes {
  private final HikariDataSource pool;

  PlainRows(String url) throws SQLException {
    Postgres.execute(
        url,
        "CREATE TABLE item (path text COLLATE \"C\" PRIMARY KEY, version integer NOT NULL, data bytea NOT NULL)"
            + " WITH (fillfactor = 85)");
    pool = Postgres.pool(url, Subjects.POOL_SIZE);
  }

  /** The one of this run. */
  static PlainRows of(Lab lab, Report report) throws Exception {
    return lab.shared(
        PlainRows.class,
        () ->
            Subjects.warmedUp(
                lab, new PlainRows(Postgres.of(lab, report).createDatabase("floor"))));
  }

  @Override
  public byte[] get(String path) throws SQLException {
    try (Connection connection = pool.getConnection();
        PreparedStatement select =
            connection.prepareStatement("SELECT data, version FROM item WHERE path = ?")) {
      select.setString(1, path);
      try (ResultSet row = select.executeQuery()) {
        if (!row.next()) {
          throw new IllegalStateException("There is no " + path);
        }
        return row.getBytes(1);
      }
    }
  }

  @Override
  public void create(String path, byte[] data) throws SQLException {
    try (Connection connection = pool.getConnection();
        PreparedStatement insert =
            connection.prepareStatement("INSERT INTO item VALUES (?, 0, ?)")) {
      insert.setString(1, path);
      insert.setBytes(2, data);
      insert.executeUpdate();
    }
  }

  @Override
  public void set(String path, byte[] data) throws SQLException {
    try (Connection connection = pool.getConnection();
        PreparedStatement update =
            connection.prepareStatement(
                "UPDATE item SET data = ?, version = version + 1 WHERE path = ?")) {
      update.setBytes(1, data);
      update.setString(2, path);
      one(update.executeUpdate(), path);
    }
  }

  @Override
  public void delete(String path) throws SQLException {
    try (Connection connection = pool.getConnection();
        PreparedStatement delete = connection.prepareStatement("DELETE FROM item WHERE path = ?")) {
      delete.setString(1, path);
      one(delete.executeUpdate(), path);
    }
  }

  @Override
  public void createAll(List<String> paths, byte[] data) throws SQLException {
    try (Connection connection = pool.getConnection();
        PreparedStatement insert =
            connection.prepareStatement("INSERT INTO item VALUES (?, 0, ?)")) {
      connection.setAutoCommit(false);
      for (String path : paths) {
        insert.setString(1, path);
        insert.setBytes(2, data);
        insert.addBatch();
      }
      insert.executeBatch();
      connection.commit();
    }
  }

  @Override
  public void deleteAll(List<String> paths) throws SQLException {
    try (Connection connection = pool.getConnection();
        PreparedStatement delete = connection.prepareStatement("DELETE FROM item WHERE path = ?")) {
      connection.setAutoCommit(false);
      for (String path : paths) {
        delete.setString(1, path);
        delete.addBatch();
      }
      delete.executeBatch();
      connection.commit();
    }
  }

  @Override
  public void close() {
    pool.close();
  }

  private static void one(int rows, String path) {
    if (rows != 1) {
      throw new IllegalStateException("There is no " + path);
    }
  }
}
