package dev.pgkeeper.queue;

import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** The rows that a query gives, each as an array of texts. */
final class SqlRows {
  private SqlRows() {}

  /** Runs the query; {@code ${schema}} stands for the database's schema. */
  static List<String[]> of(
      Connection connection, TestDatabase database, String sql, Object... arguments)
      throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(sql.replace("${schema}", database.schema()))) {
      for (int i = 0; i < arguments.length; i++) {
        statement.setObject(i + 1, arguments[i]);
      }
      List<String[]> rows = new ArrayList<>();
      try (ResultSet row = statement.executeQuery()) {
        int columns = row.getMetaData().getColumnCount();
        while (row.next()) {
          String[] values = new String[columns];
          for (int i = 0; i < columns; i++) {
            values[i] = row.getString(i + 1);
          }
          rows.add(values);
        }
      }
      return rows;
    }
  }
}
