package dev.pgkeeper.heard;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/**
 * A role that may connect to the database, and nothing else: it rings sessions, and listens. It has
 * learnt their channels from somebody who may know them.
 */
final class Stranger implements AutoCloseable {
  private final TestDatabase database;
  private final String role;
  private final Connection connection;

  Stranger(TestDatabase database) throws SQLException {
    this(database, "stranger");
  }

  Stranger(TestDatabase database, String name) throws SQLException {
    this.database = database;
    role = database.roleName(name);
    database.execute("CREATE ROLE " + role);
    connection = connect();
  }

  private Connection connect() throws SQLException {
    return DriverManager.getConnection(database.jdbcUrl() + "&options=-crole=" + role);
  }

  /** Rings with each of these, all of them in one transaction. */
  void ring(Keeper whom, Collection<String> payloads) throws SQLException {
    try (PreparedStatement rings =
        connection.prepareStatement(
            "SELECT count(pg_notify(?, payload)) FROM unnest(?::text[]) AS payload")) {
      rings.setString(1, database.channel(whom.session().id()));
      rings.setArray(2, connection.createArrayOf("text", payloads.toArray()));
      rings.execute();
    }
  }

  void ring(Keeper whom, String... payloads) throws SQLException {
    ring(whom, Arrays.asList(payloads));
  }

  /** Hears what is rung for this client, from now on. */
  void listen(Keeper whose) throws SQLException {
    listenAt(database.channel(whose.session().id()));
  }

  void listenAt(String... channels) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      for (String channel : channels) {
        statement.execute("LISTEN \"" + channel + "\"");
      }
    }
  }

  /** Asks where a session is rung. */
  void askForChannel(Keeper whose) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(
          "SELECT %s.session_channel(%d)".formatted(database.schema(), whose.session().id()));
    }
  }

  /** What was heard since the last time. */
  List<String> heard() throws SQLException {
    List<String> payloads = new ArrayList<>();
    PGNotification[] heard = connection.unwrap(PGConnection.class).getNotifications(10);
    if (heard != null) {
      for (PGNotification one : heard) {
        payloads.add(one.getParameter());
      }
    }
    return payloads;
  }

  @Override
  public void close() throws SQLException {
    connection.close();
    database.execute("DROP ROLE " + role);
  }
}
