package dev.pgkeeper.cli.top;

import dev.pgkeeper.cli.output.Json;
import dev.pgkeeper.cli.output.Rows;
import dev.pgkeeper.cli.output.Table;
import dev.pgkeeper.ui.JsonText;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;

/**
 * What was there at one moment.
 *
 * @param time that moment, by this machine's clock
 * @param parts one for each section
 */
record Snapshot(LocalTime time, List<Part> parts) {
  private static final int MOST_ROWS = 100;
  private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss");

  /** The first rows of a section, and how many there are in all. */
  record Part(Section section, Table table, long total) {}

  static Snapshot take(Connection connection, String schema) throws SQLException {
    List<Part> parts = new ArrayList<>();
    try (Statement statement = connection.createStatement()) {
      for (Section section : Section.ALL) {
        try (ResultSet rows = statement.executeQuery(section.query(schema, MOST_ROWS))) {
          parts.add(part(section, rows));
        }
      }
    }
    return new Snapshot(LocalTime.now(), parts);
  }

  /** The moment as a clock shows it, in full minutes too. */
  String clock() {
    return CLOCK.format(time);
  }

  private static Part part(Section section, ResultSet rows) throws SQLException {
    int columns = rows.getMetaData().getColumnCount() - 1;
    Table table = new Table(Rows.headings(rows, columns));
    long total = 0;
    while (rows.next()) {
      table.add(Rows.cells(rows, columns));
      total = rows.getLong(columns + 1);
    }
    return new Part(section, table, total);
  }

  /** Reads the rows of all sections in one snapshot, as one object that the database makes. */
  static String json(Connection connection, String schema) throws SQLException {
    List<String> members = new ArrayList<>();
    try (Statement statement = connection.createStatement()) {
      for (Section section : Section.ALL) {
        String rows =
            "SELECT coalesce(json_agg(row_to_json(v)), '[]') FROM ("
                + section.rows(schema, MOST_ROWS)
                + ") v";
        try (ResultSet row = statement.executeQuery(rows)) {
          row.next();
          members.add(Json.of(section.title().replace(' ', '_')) + ": " + row.getString(1));
        }
      }
    }
    return JsonText.harmless("{" + String.join(",\n ", members) + "}");
  }
}
