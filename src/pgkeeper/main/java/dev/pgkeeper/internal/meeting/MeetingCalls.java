package dev.pgkeeper.internal.meeting;

import dev.pgkeeper.internal.jdbc.Call;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;

/** The functions of meetings by their own names. */
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
    return Call.of(
            schema,
            "meeting_leave",
            Call.array("text", all, Leaving::meeting),
            Call.array("int8", all, Leaving::number),
            Call.array("bool", all, Leaving::waits))
        .row(row -> List.of((Boolean[]) row.getArray(1).getArray()));
  }

  SqlFunction<Boolean> meetingQuit(String meeting, long number) {
    return Call.of(schema, "meeting_quit", meeting, number).isTrue();
  }

  /** By their numbers. */
  SqlFunction<Map<Long, Found>> meetingSweep(List<Child> all) {
    return Call.columns(
            "number, present, has_left, begun, over",
            schema,
            "meeting_sweep",
            Call.array("text", all, Child::meeting),
            Call.array("int8", all, Child::number))
        .rowsBy(
            row -> row.getLong(1),
            row ->
                new Found(
                    row.getBoolean(2), row.getBoolean(3), row.getBoolean(4), row.getBoolean(5)));
  }
}
