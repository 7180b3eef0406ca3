package dev.pgkeeper.cli.shell;

import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.Failure;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** How paths go on that have been begun. */
final class KnownPaths {
  private static final int MOST = 200;

  private final TargetDatabase database;

  /** A path, and whether there is anything below it. */
  record Known(String path, boolean hasChildren) {}

  KnownPaths(TargetDatabase database) {
    this.database = database;
  }

  /** At most some of those that begin so, one part more than what was begun. */
  List<Known> beginningWith(String begun) {
    int slash = begun.lastIndexOf('/');
    String parent = slash == 0 ? "/" : begun.substring(0, slash);
    try {
      return database.ask(connection -> read(connection, parent, begun.substring(slash + 1)));
    } catch (Failure e) {
      return List.of(); // the command itself will say what is wrong
    }
  }

  private List<Known> read(Connection connection, String parent, String name) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            "SELECT path, children > 0 FROM "
                + database.schema()
                + ".nodes WHERE parent = ? AND name >= ? AND starts_with(name, ?) ORDER BY name LIMIT "
                + MOST)) {
      statement.setString(1, parent);
      statement.setString(2, name);
      statement.setString(3, name);
      try (ResultSet rows = statement.executeQuery()) {
        List<Known> known = new ArrayList<>();
        while (rows.next()) {
          known.add(new Known(rows.getString(1), rows.getBoolean(2)));
        }
        return known;
      }
    }
  }
}
