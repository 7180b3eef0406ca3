package dev.pgkeeper.internal.line;

import dev.pgkeeper.internal.jdbc.Call;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import dev.pgkeeper.line.Contender;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** The functions of lines by their own names. */
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
    statement.setString(first + 3, join.request().what());
    statement.setBoolean(first + 4, join.tries());
    statement.setObject(first + 5, join.limitMs(), Types.BIGINT);
    statement.setBytes(first + 6, join.request().data());
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
    Database.array(statement, first + 3, "text", joins, join -> join.request().what());
    Database.array(statement, first + 4, "bool", joins, Join::tries);
    Database.array(statement, first + 5, "int8", joins, Join::limitMs);
    byte[][] data = joins.stream().map(join -> join.request().data()).toArray(byte[][]::new);
    statement.setArray(first + 6, statement.getConnection().createArrayOf("bytea", data));
    Database.array(statement, first + 7, "int8", joins, Join::key);
  }

  SqlFunction<Boolean> lineLeave(Leave leave) {
    return Call.of(schema, "line_leave", leave.node()).done();
  }

  SqlFunction<Boolean> linesLeave(List<Leave> leaves) {
    return Call.of(schema, "lines_leave", Call.array("text", leaves, Leave::node)).done();
  }

  SqlFunction<Boolean> lineFree(Leave leave) {
    return Call.of(schema, "line_free", leave.node(), leave.token()).done();
  }

  SqlFunction<Boolean> linesFree(List<Leave> leaves) {
    return Call.of(
            schema,
            "lines_free",
            Call.array("text", leaves, Leave::node),
            Call.array("int8", leaves, Leave::token))
        .done();
  }

  /** Whether the contender is there, which it stays now whatever becomes of the server. */
  SqlFunction<Boolean> flush(long session, String node, long token) {
    return Call.of(schema, "line_flush", session, node, token).isTrue();
  }

  SqlFunction<Map<String, Found>> lineTake(long session, List<String> nodes) {
    return found("line_take", session, nodes);
  }

  SqlFunction<Map<String, Found>> lineSweep(long session, List<String> lines) {
    return found("line_sweep", session, lines);
  }

  private SqlFunction<Map<String, Found>> found(String function, long session, List<String> of) {
    return Call.columns("path, state, token", schema, function, session, Call.texts(of))
        .rowsBy(row -> row.getString(1), row -> new Found(row.getString(2), row.getLong(3)));
  }

  SqlFunction<Boolean> lineDowngrade(long session, String node) {
    return Call.of(schema, "line_downgrade", session, node).isTrue();
  }

  SqlFunction<Integer> lineRevoke(String line) {
    return Call.of(schema, "line_revoke", line).row(row -> row.getInt(1));
  }

  SqlFunction<Boolean> fence(String node, long token) {
    return Call.of(schema, "fence", node, token).done();
  }

  SqlFunction<List<Contender>> contenders(String line, Function<String, String> seen) {
    return Call.columns(
            "path, token, what, holds, since, session, client, host, pid, data",
            schema,
            "contenders",
            line)
        .rows(
            row ->
                new Contender(
                    seen.apply(row.getString("path")),
                    row.getLong("token"),
                    row.getString("what"),
                    row.getBoolean("holds"),
                    row.getTimestamp("since").toInstant(),
                    row.getLong("session"),
                    row.getString("client"),
                    row.getString("host"),
                    row.getLong("pid"),
                    row.getBytes("data")));
  }
}
