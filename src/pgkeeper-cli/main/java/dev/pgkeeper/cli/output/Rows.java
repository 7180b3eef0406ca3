package dev.pgkeeper.cli.output;

import dev.pgkeeper.ui.JsonText;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Prints what a query answers with, as a table or as a JSON array that the database makes. */
public final class Rows {
  private static final int ROWS_AT_ONCE = 1000;

  private final String from;
  private final List<?> parameters;

  /**
   * @param from what follows the columns: {@code FROM … WHERE … ORDER BY …}
   * @param parameters for its question marks
   */
  public Rows(String from, List<?> parameters) {
    this.from = from;
    this.parameters = List.copyOf(parameters);
  }

  /**
   * Prints these columns.
   *
   * @param nothing what to say where there is nothing
   * @param most how many rows; where there are more, that is told
   */
  public void printTable(
      Connection connection,
      List<String> columns,
      String nothing,
      int most,
      Style style,
      PrintWriter out)
      throws SQLException {
    Table table = table(connection, columns, most + 1);
    if (table.isEmpty()) {
      out.println(nothing);
      return;
    }
    List<String> lines = table.lines(style);
    lines.subList(0, Math.min(lines.size(), most + 1)).forEach(out::println);
    if (table.size() > most) {
      out.println("… and more: the first " + most + " are shown, --limit shows others");
    }
  }

  /** Prints all columns of the first row, one below the other; false if there is none. */
  public boolean printOne(Connection connection, Style style, PrintWriter out) throws SQLException {
    try (PreparedStatement statement = prepared(connection, "SELECT * " + from + " LIMIT 1");
        ResultSet row = statement.executeQuery()) {
      if (!row.next()) {
        return false;
      }
      int columns = row.getMetaData().getColumnCount();
      List<Table.Column> names = headings(row, columns);
      int width = names.stream().mapToInt(name -> Text.width(name.name())).max().orElse(0);
      List<@Nullable String> values = cells(row, columns);
      for (int i = 0; i < values.size(); i++) {
        String name = names.get(i).name();
        String value = values.get(i);
        out.println(
            style.bold(name)
                + " ".repeat(width - Text.width(name) + 2)
                + (value == null ? "-" : Text.harmless(value)));
      }
      return true;
    }
  }

  /** These columns of the first rows. */
  public Table table(Connection connection, List<String> columns, int most) throws SQLException {
    try (PreparedStatement statement = prepared(connection, select(columns) + " LIMIT " + most)) {
      try (ResultSet rows = statement.executeQuery()) {
        Table table = new Table(headings(rows, columns.size()));
        while (rows.next()) {
          table.add(cells(rows, columns.size()));
        }
        return table;
      }
    }
  }

  /** These columns of the first rows, as they are. */
  public List<List<String>> read(Connection connection, List<String> columns, int most)
      throws SQLException {
    List<List<String>> read = new ArrayList<>();
    try (PreparedStatement statement = prepared(connection, select(columns) + " LIMIT " + most);
        ResultSet rows = statement.executeQuery()) {
      while (rows.next()) {
        List<String> row = new ArrayList<>();
        for (int i = 1; i <= columns.size(); i++) {
          row.add(rows.getString(i));
        }
        read.add(row);
      }
    }
    return read;
  }

  /** Hands out one column of all rows, some at a time. */
  public void forEach(Connection connection, String column, Consumer<String> consumer)
      throws SQLException {
    connection.setAutoCommit(false);
    try (PreparedStatement statement = prepared(connection, select(List.of(column)))) {
      statement.setFetchSize(ROWS_AT_ONCE);
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          consumer.accept(rows.getString(1));
        }
      }
    }
    connection.commit();
  }

  private String select(List<String> columns) {
    return "SELECT " + String.join(", ", columns) + " " + from;
  }

  /** Prints each row as an object, however many there are. */
  public void printJson(Connection connection, @Nullable Integer most, PrintWriter out)
      throws SQLException {
    connection.setAutoCommit(false); // so that they come some at a time
    String limit = most == null ? "" : " LIMIT " + most;
    try (PreparedStatement statement =
        prepared(connection, "SELECT row_to_json(v) FROM (SELECT * " + from + limit + ") v")) {
      statement.setFetchSize(ROWS_AT_ONCE);
      try (ResultSet rows = statement.executeQuery()) {
        String before = "[";
        while (rows.next()) {
          out.println(before);
          out.print("  " + JsonText.harmless(rows.getString(1)));
          before = ",";
        }
        out.println(before.equals("[") ? "[]" : "\n]");
      }
    }
    connection.commit();
  }

  private PreparedStatement prepared(Connection connection, String sql) throws SQLException {
    PreparedStatement statement = connection.prepareStatement(sql);
    for (int i = 0; i < parameters.size(); i++) {
      statement.setObject(i + 1, parameters.get(i));
    }
    return statement;
  }

  /** The headings of the first columns. */
  public static List<Table.Column> headings(ResultSet rows, int columns) throws SQLException {
    ResultSetMetaData meta = rows.getMetaData();
    List<Table.Column> headings = new ArrayList<>();
    for (int i = 1; i <= columns; i++) {
      boolean number =
          switch (meta.getColumnType(i)) {
            case Types.BIGINT, Types.INTEGER, Types.SMALLINT, Types.NUMERIC, Types.DOUBLE -> true;
            default -> false;
          };
      headings.add(new Table.Column(meta.getColumnLabel(i), number));
    }
    return headings;
  }

  /** The first columns of the row that has been reached, as a person reads them. */
  public static List<@Nullable String> cells(ResultSet row, int columns) throws SQLException {
    ResultSetMetaData meta = row.getMetaData();
    List<@Nullable String> cells = new ArrayList<>();
    for (int i = 1; i <= columns; i++) {
      cells.add(shown(row.getString(i), meta.getColumnTypeName(i)));
    }
    return cells;
  }

  private static @Nullable String shown(@Nullable String value, String type) {
    if (value == null) {
      return null;
    }
    return switch (type) {
      case "bool" -> value.equals("t") ? "yes" : "no";
      case "timestamptz", "interval" -> value.replaceFirst("\\.\\d+", "");
      default -> value;
    };
  }
}
