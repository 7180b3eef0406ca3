package dev.pgkeeper.internal.watch;

import dev.pgkeeper.NodeSums;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import java.sql.PreparedStatement;
import java.sql.ResultSet;

/** Asks for the sums of a node and all below it, or of its children (V011). */
public final class SumsQuery {
  private SumsQuery() {}

  public static SqlFunction<NodeSums> of(String schema, String path, boolean children) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT * FROM " + schema + ".node_sums(?, ?)")) {
        statement.setString(1, path);
        statement.setBoolean(2, children);
        try (ResultSet row = statement.executeQuery()) {
          row.next();
          return new NodeSums(
              row.getLong("nodes"),
              row.getLong("czxids"),
              row.getLong("mzxids"),
              row.getLong("pzxids"));
        }
      }
    };
  }
}
