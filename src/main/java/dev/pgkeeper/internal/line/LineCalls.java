package dev.pgkeeper.internal.line;

import dev.pgkeeper.Contender;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** The functions of V007 by their own names. */
final class LineCalls {
  private final String schema;

  LineCalls(String schema) {
    this.schema = schema;
  }

  /**
   * What the database says of one contender: {@code w} waits, {@code h} holds, {@code r} is asked
   * to give back.
   */
  record Found(String state, long token) {
    boolean holds() {
      return !state.equals("w");
    }

    boolean isRevoked() {
      return state.equals("r");
    }
  }

  String requestJoinSql() {
    return "SELECT (outcome).*, watched FROM "
        + schema
        + ".request_join(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
  }

  static void bind(PreparedStatement statement, int first, Join join) throws SQLException {
    statement.setString(first, join.line());
    statement.setString(first + 1, join.recipe());
    statement.setInt(first + 2, join.permits());
    statement.setString(first + 3, join.ask().what());
    statement.setBoolean(first + 4, join.tries());
    statement.setObject(first + 5, join.limitMs(), Types.BIGINT);
    statement.setBytes(first + 6, join.ask().data());
    statement.setLong(first + 7, join.key());
  }

  String requestJoinsSql() {
    return "SELECT o.*, watched FROM "
        + schema
        + ".request_joins(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), pg_catalog.unnest(outcomes) AS o";
  }

  static void bind(PreparedStatement statement, int first, List<Join> joins) throws SQLException {
    Database.array(statement, first, "text", joins, Join::line);
    Database.array(statement, first + 1, "text", joins, Join::recipe);
    Database.array(statement, first + 2, "int4", joins, Join::permits);
    Database.array(statement, first + 3, "text", joins, join -> join.ask().what());
    Database.array(statement, first + 4, "bool", joins, Join::tries);
    Database.array(statement, first + 5, "int8", joins, Join::limitMs);
    byte[][] data = joins.stream().map(join -> join.ask().data()).toArray(byte[][]::new);
    statement.setArray(first + 6, statement.getConnection().createArrayOf("bytea", data));
    Database.array(statement, first + 7, "int8", joins, Join::key);
  }

  SqlFunction<Boolean> lineLeave(Leave leave) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".line_leave(?)")) {
        statement.setString(1, leave.node());
        statement.execute();
        return true;
      }
    };
  }

  SqlFunction<Boolean> linesLeave(List<Leave> leaves) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".lines_leave(?)")) {
        Database.array(statement, 1, "text", leaves, Leave::node);
        statement.execute();
        return true;
      }
    };
  }

  SqlFunction<Boolean> lineFree(Leave leave) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".line_free(?, ?)")) {
        statement.setString(1, leave.node());
        statement.setLong(2, leave.token());
        statement.execute();
        return true;
      }
    };
  }

  SqlFunction<Boolean> linesFree(List<Leave> leaves) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".lines_free(?, ?)")) {
        Database.array(statement, 1, "text", leaves, Leave::node);
        Database.array(statement, 2, "int8", leaves, Leave::token);
        statement.execute();
        return true;
      }
    };
  }

  /** Whether the contender is there, which it stays now whatever becomes of the server. */
  SqlFunction<Boolean> flush(long session, String node, long token) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".line_flush(?, ?, ?)")) {
        statement.setLong(1, session);
        statement.setString(2, node);
        statement.setLong(3, token);
        try (ResultSet row = statement.executeQuery()) {
          row.next();
          return row.getBoolean(1);
        }
      }
    };
  }

  SqlFunction<Map<String, Found>> lineTake(long session, List<String> nodes) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT path, state, token FROM " + schema + ".line_take(?, ?)")) {
        statement.setLong(1, session);
        statement.setArray(2, Database.textArray(connection, nodes));
        return found(statement);
      }
    };
  }

  SqlFunction<Map<String, Found>> lineSweep(long session, List<String> lines) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT path, state, token FROM " + schema + ".line_sweep(?, ?)")) {
        statement.setLong(1, session);
        statement.setArray(2, Database.textArray(connection, lines));
        return found(statement);
      }
    };
  }

  private static Map<String, Found> found(PreparedStatement statement) throws SQLException {
    Map<String, Found> found = new HashMap<>();
    try (ResultSet rows = statement.executeQuery()) {
      while (rows.next()) {
        found.put(rows.getString(1), new Found(rows.getString(2), rows.getLong(3)));
      }
    }
    return found;
  }

  SqlFunction<Boolean> lineDowngrade(long session, String node) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".line_downgrade(?, ?)")) {
        statement.setLong(1, session);
        statement.setString(2, node);
        try (ResultSet row = statement.executeQuery()) {
          row.next();
          return row.getBoolean(1);
        }
      }
    };
  }

  SqlFunction<Integer> lineRevoke(String line) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".line_revoke(?)")) {
        statement.setString(1, line);
        try (ResultSet row = statement.executeQuery()) {
          row.next();
          return row.getInt(1);
        }
      }
    };
  }

  SqlFunction<Boolean> fence(String node, long token) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".fence(?, ?)")) {
        statement.setString(1, node);
        statement.setLong(2, token);
        statement.execute();
        return true;
      }
    };
  }

  SqlFunction<List<Contender>> contenders(String line, Function<String, String> seen) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT path, token, what, holds, since, session, client, host, pid, data FROM "
                  + schema
                  + ".contenders(?)")) {
        statement.setString(1, line);
        List<Contender> contenders = new ArrayList<>();
        try (ResultSet rows = statement.executeQuery()) {
          while (rows.next()) {
            contenders.add(
                new Contender(
                    seen.apply(rows.getString("path")),
                    rows.getLong("token"),
                    rows.getString("what"),
                    rows.getBoolean("holds"),
                    rows.getTimestamp("since").toInstant(),
                    rows.getLong("session"),
                    rows.getString("client"),
                    rows.getString("host"),
                    rows.getLong("pid"),
                    rows.getBytes("data")));
          }
        }
        return contenders;
      }
    };
  }
}
