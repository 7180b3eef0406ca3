package dev.pgkeeper.bench.queue;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.bench.server.Postgres;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;

/**
 * The floor: a table of messages, written and deleted by the plainest statements there are, over a
 * pool as pgkeeper's. A message is gone as soon as it is taken, nobody is told that there is one,
 * and there is no order, retry or delay.
 */
final class PlainMessages implements Messages {
  private static final Duration POLL = Duration.ofMillis(2);

  private static final String INSERT = "INSERT INTO message (payload) VALUES (?)";

  private final String url;
  private final HikariDataSource pool;

  /** In a database of its own. */
  PlainMessages(String url) throws SQLException {
    this.url = url;
    Postgres.execute(
        url,
        "CREATE TABLE message (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload bytea NOT NULL)");
    pool = Postgres.pool(url, Subjects.POOL_SIZE);
  }

  @Override
  public void enqueue(List<byte[]> payloads) throws SQLException {
    try (Connection connection = pool.getConnection();
        PreparedStatement insert = connection.prepareStatement(INSERT)) {
      if (payloads.size() == 1) {
        insert.setBytes(1, payloads.get(0));
        insert.executeUpdate();
        return;
      }
      connection.setAutoCommit(false);
      for (byte[] payload : payloads) {
        insert.setBytes(1, payload);
        insert.addBatch();
      }
      insert.executeBatch();
      connection.commit();
    }
  }

  @Override
  public Consumers consumers(int threads, int batch) {
    String claim =
        "DELETE FROM message m USING (SELECT id FROM message ORDER BY id LIMIT "
            + batch
            + " FOR UPDATE SKIP LOCKED) c WHERE m.id = c.id RETURNING m.id, m.payload";
    return new Consumers() {
      @Override
      public Consumer consumer() {
        return wait -> {
          long deadline = System.nanoTime() + wait.toNanos();
          int found = take(claim);
          while (found == 0 && System.nanoTime() < deadline) {
            Thread.sleep(POLL.toMillis());
            found = take(claim);
          }
          return found;
        };
      }

      @Override
      public void close() {}
    };
  }

  private int take(String claim) throws SQLException {
    try (Connection connection = pool.getConnection();
        PreparedStatement delete = connection.prepareStatement(claim);
        ResultSet rows = delete.executeQuery()) {
      int found = 0;
      while (rows.next()) {
        found += rows.getBytes(2) == null ? 0 : 1;
      }
      return found;
    }
  }

  @Override
  public int longestBacklog() {
    return Subjects.LONGEST_BACKLOG;
  }

  @Override
  public void fill(int count) throws SQLException {
    Postgres.execute(
        url,
        "INSERT INTO message (payload) SELECT decode(repeat('00', 100), 'hex') FROM generate_series(1, %d)"
            .formatted(count),
        "VACUUM (ANALYZE) message");
  }

  @Override
  public void clear() throws SQLException {
    Postgres.execute(url, "TRUNCATE message");
  }

  @Override
  public void close() {
    pool.close();
  }
}
