package dev.pgkeeper.cli.tree;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.Rows;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/** The view {@code nodes}, which shows no data and which an inspector may read. */
final class Nodes {
  private final String view;

  Nodes(TargetDatabase database) {
    view = database.schema() + ".nodes";
  }

  /** The node itself. */
  Rows at(String path) {
    return new Rows("FROM " + view + " WHERE path = ?", List.of(path));
  }

  /** Its children, sorted. */
  Rows childrenOf(String path) {
    return new Rows("FROM " + view + " WHERE parent = ? ORDER BY name", List.of(path));
  }

  /** The node and what is below it, each before its own children. */
  Rows from(String path) {
    String order = " ORDER BY string_to_array(path, '/') COLLATE \"C\"";
    if (path.equals("/")) {
      return new Rows("FROM " + view + order, List.of());
    }
    return new Rows(
        "FROM " + view + " WHERE (path = ? OR path > ? AND path < ?)" + order,
        List.of(path, path + "/", path + "0"));
  }

  /** Fails if there is no such node. */
  void ensureThere(Connection connection, String path) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement("SELECT FROM " + view + " WHERE path = ?")) {
      statement.setString(1, path);
      try (ResultSet row = statement.executeQuery()) {
        if (!row.next()) {
          throw KeeperException.of(Code.NO_NODE, path);
        }
      }
    }
  }
}
