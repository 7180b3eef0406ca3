package dev.pgkeeper.internal.session;

import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.NodeSums;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import dev.pgkeeper.internal.watch.Seen;
import dev.pgkeeper.internal.watch.SumsQuery;
import dev.pgkeeper.internal.watch.Watches;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The functions of V002 and V004 by their own names, for whichever connection they are to run on.
 */
final class SessionCalls {
  private static final int FETCHED_AT_ONCE = 1000;

  private final String schema;
  private final int longestLookSeconds;

  /**
   * @param patience of whoever looks: the server looks no longer
   */
  SessionCalls(String schema, Duration patience) {
    this.schema = schema;
    this.longestLookSeconds = (int) Math.max(1, patience.multipliedBy(4).dividedBy(5).toSeconds());
  }

  /** What a ping tells: whether the session lives, and the tick in which this client is to reap. */
  record Ping(boolean alive, @Nullable Long tick) {}

  /** How a session ended; by whom and why where that was an operator. */
  record Ending(String how, @Nullable String by, @Nullable String why) {
    String told() {
      return by == null
          ? "its lease or its grace was over"
          : "the operator " + by + " ended it: " + why;
    }
  }

  /**
   * What a reaper's tick did: how many sessions and limited holds it ended, and in how many
   * milliseconds the next suspicion is ripe.
   */
  record Reaped(int sessions, int holds, @Nullable Long nextMs) {}

  /** A session, and the channel on which it is rung. */
  record Opened(long id, String channel) {}

  SqlFunction<Opened> sessionOpen(KeeperOptions options, boolean direct) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT opened, "
                  + schema
                  + ".session_channel(opened) FROM "
                  + schema
                  + ".session_open(?, ?, ?, ?, ?, ?) AS opened")) {
        statement.setLong(1, options.timeout().toMillis());
        statement.setLong(2, options.grace().toMillis());
        statement.setBoolean(3, direct);
        statement.setString(4, options.clientName());
        statement.setString(5, host());
        statement.setLong(6, ProcessHandle.current().pid());
        ResultSet row = one(statement);
        return new Opened(row.getLong(1), row.getString(2));
      }
    };
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "unknown";
    }
  }

  SqlFunction<Boolean> sessionAttach(long session, long way) {
    return ask("session_attach", session, way);
  }

  SqlFunction<Boolean> sessionRenew(long session) {
    return ask("session_renew", session);
  }

  SqlFunction<Boolean> sessionRenewAlone(long session, long way) {
    return ask("session_renew_alone", session, way);
  }

  SqlFunction<Boolean> sessionEnd(long session) {
    return ask("session_end", session);
  }

  /** How a session ended, for people to read; empty if nobody remembers. */
  SqlFunction<Optional<Ending>> sessionEnding(long session) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT how, ended_by, why FROM " + schema + ".past_sessions WHERE session = ?")) {
        statement.setLong(1, session);
        try (ResultSet row = statement.executeQuery()) {
          return row.next()
              ? Optional.of(new Ending(row.getString(1), row.getString(2), row.getString(3)))
              : Optional.empty();
        }
      }
    };
  }

  /** The same, unless a transaction holds on to something of the session for longer than this. */
  SqlFunction<Boolean> sessionEndWithin(Duration patience, long session) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT "
                  + schema
                  + ".session_end(?) FROM (SELECT pg_catalog.set_config('lock_timeout', ?, true) OFFSET 0) AS patience")) {
        statement.setLong(1, session);
        statement.setString(2, patience.toMillis() + "ms");
        return one(statement).getBoolean(1);
      }
    };
  }

  private SqlFunction<Boolean> ask(String function, long... arguments) {
    String places = String.join(", ", Collections.nCopies(arguments.length, "?"));
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + "." + function + "(" + places + ")")) {
        for (int i = 0; i < arguments.length; i++) {
          statement.setLong(i + 1, arguments[i]);
        }
        return one(statement).getBoolean(1);
      }
    };
  }

  SqlFunction<Ping> sessionPing(long session) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT alive, tick FROM " + schema + ".session_ping(?)")) {
        statement.setLong(1, session);
        ResultSet row = one(statement);
        return new Ping(row.getBoolean(1), row.getObject(2, Long.class));
      }
    };
  }

  SqlFunction<Reaped> reap(int most) {
    return connection -> {
      try (CallableStatement call =
          connection.prepareCall("CALL " + schema + ".reap(?, ?, ?, ?)")) {
        call.setInt(1, most);
        call.registerOutParameter(2, Types.INTEGER);
        call.registerOutParameter(3, Types.INTEGER);
        call.registerOutParameter(4, Types.BIGINT);
        call.execute();
        int sessions = call.getInt(2);
        int holds = call.getInt(3);
        long nextMs = call.getLong(4);
        return new Reaped(sessions, holds, call.wasNull() ? null : nextMs);
      }
    };
  }

  SqlFunction<Integer> reapNodes(int most) {
    return reapAtMost(most, "reap_nodes");
  }

  SqlFunction<Integer> pruneHistory(int most) {
    return reapAtMost(most, "prune_history");
  }

  private SqlFunction<Integer> reapAtMost(int most, String function) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + "." + function + "(?)")) {
        statement.setInt(1, most);
        return one(statement).getInt(1);
      }
    };
  }

  SqlFunction<Long> sessionCount() {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT pg_catalog.count(*) FROM " + schema + ".sessions")) {
        return one(statement).getLong(1);
      }
    };
  }

  SqlFunction<Boolean> tidy() {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".tidy()")) {
        one(statement);
        return true;
      }
    };
  }

  /** Nothing but a round trip. */
  SqlFunction<Boolean> echo() {
    return connection -> {
      try (PreparedStatement statement = connection.prepareStatement("SELECT 1")) {
        one(statement);
        return true;
      }
    };
  }

  /** Whether the backend that answers is the one that listens on this channel. */
  SqlFunction<Boolean> listensHere(String channel) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT EXISTS (SELECT FROM pg_catalog.pg_listening_channels() AS c WHERE c = ?)")) {
        statement.setString(1, channel);
        return one(statement).getBoolean(1);
      }
    };
  }

  SqlFunction<Boolean> notify(String channel, String payload) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT pg_catalog.pg_notify(?, ?)")) {
        statement.setString(1, channel);
        statement.setString(2, payload);
        one(statement);
        return true;
      }
    };
  }

  SqlFunction<Map<String, Seen>> watchStates(List<String> paths) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT path, czxid, mzxid, pzxid FROM " + schema + ".watch_states(?)")) {
        statement.setArray(1, Database.textArray(connection, paths));
        return states(statement);
      }
    };
  }

  SqlFunction<Map<String, Seen>> watchSubtree(String root) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT path, czxid, mzxid, pzxid FROM " + schema + ".watch_subtree(?)")) {
        statement.setString(1, root);
        return states(statement);
      }
    };
  }

  SqlFunction<NodeSums> nodeSums(String root) {
    return SumsQuery.of(schema, root, false);
  }

  private Map<String, Seen> states(PreparedStatement statement) throws SQLException {
    statement.setFetchSize(FETCHED_AT_ONCE);
    statement.setQueryTimeout(longestLookSeconds);
    Map<String, Seen> states = new HashMap<>();
    try (ResultSet rows = statement.executeQuery()) {
      while (rows.next()) {
        states.put(rows.getString("path"), Seen.of(rows));
      }
    }
    return states;
  }

  SqlFunction<Boolean> watchAgain(long session, List<Watches.Registration> registrations) {
    return registrations(session, registrations, "watch_again");
  }

  SqlFunction<Boolean> watchForget(long session, List<Watches.Registration> registrations) {
    return registrations(session, registrations, "watch_forget");
  }

  private SqlFunction<Boolean> registrations(
      long session, List<Watches.Registration> registrations, String function) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + "." + function + "(?, ?, ?)")) {
        statement.setLong(1, session);
        statement.setArray(
            2,
            Database.textArray(
                connection, registrations.stream().map(Watches.Registration::path).toList()));
        statement.setArray(
            3,
            Database.textArray(
                connection, registrations.stream().map(Watches.Registration::kind).toList()));
        one(statement);
        return true;
      }
    };
  }

  /** Registers without a look and returns the horizon that the first look has to be past. */
  SqlFunction<Long> watchUnread(long session, Watches.Registration registration) {
    return connection -> {
      watchAgain(session, List.of(registration)).apply(connection);
      return horizon(connection, "SELECT " + schema + ".watch_horizon()");
    };
  }

  private static long horizon(Connection connection, String sql) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      return one(statement).getLong(1);
    }
  }

  SqlFunction<Boolean> watchIsSettled(long horizon) {
    return ask("watch_is_settled", horizon);
  }

  /** The statement's only row. */
  private static ResultSet one(PreparedStatement statement) throws SQLException {
    ResultSet row = statement.executeQuery();
    row.next();
    return row;
  }
}
