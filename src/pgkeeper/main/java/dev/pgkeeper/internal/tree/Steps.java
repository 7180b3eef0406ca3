package dev.pgkeeper.internal.tree;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Several steps, as the parallel arrays that the functions take. */
record Steps(List<Step> steps) {

  /** Binds the seven arrays. */
  void bind(PreparedStatement statement, int first) throws SQLException {
    bind(statement, first, "text", step -> step.type().verb);
    bind(statement, first + 1, "text", Step::path);
    byte[][] data = steps.stream().map(Step::data).toArray(byte[][]::new);
    statement.setArray(first + 2, statement.getConnection().createArrayOf("bytea", data));
    bind(statement, first + 3, "int4", Step::version);
    bind(statement, first + 4, "text", Step::kind);
    bind(statement, first + 5, "bool", Step::sequential);
    bind(statement, first + 6, "int8", Step::ttlMs);
  }

  private void bind(
      PreparedStatement statement, int at, String type, Function<Step, @Nullable Object> field)
      throws SQLException {
    Connection connection = statement.getConnection();
    statement.setArray(at, connection.createArrayOf(type, steps.stream().map(field).toArray()));
  }
}
