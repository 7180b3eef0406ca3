package dev.pgkeeper.ui;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/**
 * Hears the rings that the library sends to its sessions: of locks that are handed on, of queues
 * and of watched nodes. Who shows what is there looks again then. It hears those of some sessions,
 * the latest; and nothing from the first ring until it is told to listen again, so a busy database
 * sends it nothing that it would not use.
 */
public final class Rings implements AutoCloseable {
  private static final int MOST_CHANNELS = 200;

  private final Connection connection;
  private final PreparedStatement channels;
  private final Set<String> heard = new HashSet<>();

  /** On a connection of the caller's, which nobody else uses meanwhile. */
  public Rings(Connection connection, String schema) throws SQLException {
    this.connection = connection;
    channels =
        connection.prepareStatement(
            "SELECT channel FROM "
                + schema
                + ".sessions ORDER BY opened DESC LIMIT "
                + MOST_CHANNELS);
  }

  /** From now on those of the sessions that there are now. */
  public void listen() throws SQLException {
    Set<String> now = new HashSet<>();
    try (ResultSet rows = channels.executeQuery()) {
      while (rows.next()) {
        now.add(rows.getString(1));
      }
    }
    if (!now.equals(heard)) {
      execute(
          now.stream()
              .map(channel -> "LISTEN \"" + channel + "\"")
              .collect(Collectors.joining(";", "UNLISTEN *;", "")));
      heard.clear();
      heard.addAll(now);
    }
  }

  /** Whether one came, within this time; then no more are heard until {@link #listen}. */
  public boolean await(Duration longest) throws SQLException {
    PGNotification[] rings =
        connection
            .unwrap(PGConnection.class)
            .getNotifications((int) Math.max(1, longest.toMillis())); // 0 would be for ever
    if (rings == null || rings.length == 0) {
      return false;
    }
    execute("UNLISTEN *");
    heard.clear();
    return true;
  }

  private void execute(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  @Override
  public void close() throws SQLException {
    channels.close();
  }
}
