package dev.pgkeeper.internal.jdbc;

import dev.pgkeeper.KeeperOptions.ConnectionSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/**
 * The one connection that a client keeps: it listens, and the session's liveness lock hangs on it.
 * Every statement on it has a deadline, so that a dead peer is noticed within the grace. Used by
 * one thread.
 */
public final class OwnConnection implements AutoCloseable {
  private final Connection connection;
  private final PGConnection listener;

  private OwnConnection(Connection connection) throws SQLException {
    this.connection = connection;
    this.listener = connection.unwrap(PGConnection.class);
  }

  /**
   * Opens it, with no time limits of the server's but with keepalives that let the server notice a
   * dead client too.
   */
  public static OwnConnection open(ConnectionSource source, Duration grace) {
    Connection opened = Database.on(source::open);
    try {
      opened.setAutoCommit(true);
      opened.setNetworkTimeout(Runnable::run, (int) Math.max(100, grace.toMillis() / 2));
      long seconds = Math.max(1, grace.toSeconds());
      try (Statement statement = opened.createStatement()) {
        statement.execute(
            "SELECT set_config(name, value, false) FROM (VALUES"
                + " ('tcp_keepalives_idle', '"
                + seconds
                + "'),"
                + " ('tcp_keepalives_interval', '1'),"
                + " ('tcp_keepalives_count', '"
                + seconds
                + "'),"
                + " ('tcp_user_timeout', '"
                + Math.max(1000, grace.toMillis())
                + "'),"
                + " ('statement_timeout', '0'),"
                + " ('idle_session_timeout', '0'),"
                + " ('default_transaction_read_only', 'off'),"
                + " ('jit', 'off'),"
                + " ('default_transaction_isolation', 'read committed')) AS wanted (name, value)");
      }
      return new OwnConnection(opened);
    } catch (SQLException e) {
      try {
        opened.close();
      } catch (SQLException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw Database.translate(e);
    }
  }

  public void listen(String channel) {
    execute("LISTEN \"" + channel + "\"");
  }

  public void unlisten(String channel) {
    execute("UNLISTEN \"" + channel + "\"");
  }

  private void execute(String sql) {
    call(
        c -> {
          try (Statement statement = c.createStatement()) {
            return statement.execute(sql);
          }
        });
  }

  /** The payloads that were rung, after at most this long; none if nothing was. */
  public List<String> await(Duration patience) {
    return call(
        c -> {
          PGNotification[] heard =
              listener.getNotifications((int) Math.max(1, patience.toMillis()));
          List<String> payloads = new ArrayList<>();
          if (heard != null) {
            for (PGNotification one : heard) {
              payloads.add(one.getParameter());
            }
          }
          return payloads;
        });
  }

  public <T extends @Nullable Object> T call(SqlFunction<T> query) {
    return Database.on(connection, query);
  }

  /** Ends whatever is going on, from any thread. */
  public void abort() {
    call(
        c -> {
          c.abort(Runnable::run);
          return true;
        });
  }

  @Override
  public void close() {
    call(
        c -> {
          c.close();
          return true;
        });
  }
}
