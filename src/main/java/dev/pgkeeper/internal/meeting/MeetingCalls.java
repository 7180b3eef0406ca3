package dev.pgkeeper.internal.meeting;

import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The functions of V016 by their own names. */
final class MeetingCalls {
  private final String schema;

  MeetingCalls(String schema) {
    this.schema = schema;
  }

  /** A wish to come: to a meeting at the path as the database has it. */
  record Coming(String meeting, int size, long key) {}

  /** A wish to leave, and to be told of the end of the round or not. */
  record Leaving(String meeting, long number, boolean waits) {}

  /** A child of a meeting, by its number. */
  record Child(String meeting, long number) {}

  /** What became of a child and of its round. */
  record Found(boolean present, boolean left, boolean begun, boolean over) {}

  String requestMeetingComeSql() {
    return "SELECT o.*, watched FROM "
        + schema
        + ".request_meeting_come(?, ?, ?, ?, ?, ?), pg_catalog.unnest(outcomes) AS o";
  }

  static void bind(PreparedStatement statement, int first, List<Coming> all) throws SQLException {
    Database.array(statement, first, "text", all, Coming::meeting);
    Database.array(statement, first + 1, "int4", all, Coming::size);
    Database.array(statement, first + 2, "int8", all, Coming::key);
  }

  /** Of each, whether its round is over. */
  SqlFunction<List<Boolean>> meetingLeave(List<Leaving> all) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".meeting_leave(?, ?, ?)")) {
        Database.array(statement, 1, "text", all, Leaving::meeting);
        Database.array(statement, 2, "int8", all, Leaving::number);
        Database.array(statement, 3, "bool", all, Leaving::waits);
        try (ResultSet row = statement.executeQuery()) {
          row.next();
          return List.copyOf(Arrays.asList((Boolean[]) row.getArray(1).getArray()));
        }
      }
    };
  }

  SqlFunction<Boolean> meetingQuit(String meeting, long number) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".meeting_quit(?, ?)")) {
        statement.setString(1, meeting);
        statement.setLong(2, number);
        try (ResultSet row = statement.executeQuery()) {
          row.next();
          return row.getBoolean(1);
        }
      }
    };
  }

  /** By their numbers. */
  SqlFunction<Map<Long, Found>> meetingSweep(List<Child> all) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT number, present, has_left, begun, over FROM "
                  + schema
                  + ".meeting_sweep(?, ?)")) {
        Database.array(statement, 1, "text", all, Child::meeting);
        Database.array(statement, 2, "int8", all, Child::number);
        Map<Long, Found> found = new HashMap<>();
        try (ResultSet rows = statement.executeQuery()) {
          while (rows.next()) {
            found.put(
                rows.getLong(1),
                new Found(
                    rows.getBoolean(2),
                    rows.getBoolean(3),
                    rows.getBoolean(4),
                    rows.getBoolean(5)));
          }
        }
        return found;
      }
    };
  }
}
