package dev.pgkeeper.internal.jdbc;

import dev.pgkeeper.KeeperException;
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
  private final Duration patience;
  private final PGConnection listener;

  private OwnConnection(Connection connection, Duration patience) throws SQLException {
    this.connection = connection;
    this.patience = patience;
    this.listener = connection.unwrap(PGConnection.class);
  }

  /**
   * Opens it. What it asks for and does not wait for any more, the server does not go on with; and
   * keepalives let the server notice a dead client too.
   */
  public static OwnConnection open(ConnectionSource source, Duration grace) {
    Connection opened = Database.on(source::open);
    Duration patience = Duration.ofMillis(Math.max(100, grace.toMillis() / 2));
    try {
      opened.setAutoCommit(true);
      opened.setNetworkTimeout(Runnable::run, (int) patience.toMillis());
      long seconds = Math.max(1, grace.toSeconds());
      try (Statement statement = opened.createStatement()) {
        statement.execute(
            "SELECT pg_catalog.set_config(name, value, false) FROM (VALUES"
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
                + " ('statement_timeout', '"
                + patience.toMillis()
                + "'),"
                + " ('idle_session_timeout', '0'),"
                + " ('default_transaction_read_only', 'off'),"
                + " ('jit', 'off'),"
                + " ('search_path', 'pg_catalog, pg_temp'),"
                + " ('default_transaction_isolation', 'read committed')) AS wanted (name, value)");
      }
      return new OwnConnection(opened, patience);
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
    try {
      return query.apply(connection);
    } catch (SQLException e) {
      throw SqlErrors.isUnanswered(e)
          ? new KeeperException.ConnectionLoss("no answer within " + patience.toMillis() + " ms", e)
          : Database.translate(e);
    }
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
