package dev.pgkeeper.internal.tree;

import dev.pgkeeper.Node;
import dev.pgkeeper.PathNode;
import dev.pgkeeper.Stat;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.Outcome;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import dev.pgkeeper.internal.watch.Seen;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The reads of one node, plain and leaving a watch. Each answers null if there is no node. */
final class TreeQueries {
  private TreeQueries() {}

  /** A node's children and what was seen of the node. */
  record Listing(List<String> names, Seen seen) {}

  private interface RowReader<T extends @Nullable Object> {
    T read(ResultSet row) throws SQLException;
  }

  static SqlFunction<@Nullable Stat> exists(String schema, String at) {
    return ask("SELECT * FROM " + schema + ".exists(?)", null, at, Outcome::stat);
  }

  static SqlFunction<@Nullable Stat> existsWatched(String schema, long session, String at) {
    return ask("SELECT * FROM " + schema + ".watch_node(?, ?)", session, at, Outcome::stat);
  }

  static SqlFunction<@Nullable Node> get(String schema, String at) {
    return ask("SELECT * FROM " + schema + ".get(?)", null, at, TreeQueries::node);
  }

  static SqlFunction<@Nullable Node> getWatched(String schema, long session, String at) {
    return ask("SELECT * FROM " + schema + ".watch_node(?, ?)", session, at, TreeQueries::node);
  }

  static SqlFunction<@Nullable Listing> children(String schema, String at) {
    return ask("SELECT * FROM " + schema + ".children_at(?)", null, at, TreeQueries::listing);
  }

  static SqlFunction<@Nullable Listing> childrenWatched(String schema, long session, String at) {
    return ask(
        "SELECT * FROM " + schema + ".watch_children(?, ?)", session, at, TreeQueries::listing);
  }

  static SqlFunction<@Nullable Seen> persistentWatched(String schema, long session, String at) {
    return ask("SELECT * FROM " + schema + ".watch_persistent(?, ?)", session, at, Seen::of);
  }

  /** Nodes in a scope, with paths as the caller sees them. */
  static SqlFunction<List<PathNode>> page(
      String schema,
      String at,
      boolean children,
      String after,
      int limit,
      long mostBytes,
      UnaryOperator<String> seenFrom) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT * FROM " + schema + ".node_page(?, ?, ?, ?, ?)")) {
        statement.setString(1, at);
        statement.setBoolean(2, children);
        statement.setString(3, after);
        statement.setInt(4, limit);
        statement.setLong(5, mostBytes);
        List<PathNode> page = new ArrayList<>();
        try (ResultSet rows = statement.executeQuery()) {
          while (rows.next()) {
            page.add(new PathNode(seenFrom.apply(rows.getString("path")), node(rows)));
          }
        }
        return page;
      }
    };
  }

  private static Node node(ResultSet row) throws SQLException {
    return new Node(row.getBytes("data"), Outcome.stat(row));
  }

  private static Listing listing(ResultSet row) throws SQLException {
    return new Listing(List.of(Database.strings(row, row.findColumn("names"))), Seen.of(row));
  }

  @SuppressWarnings("NullAway") // does not infer that a lambda may return null
  private static <T extends @Nullable Object> SqlFunction<@Nullable T> ask(
      String sql, @Nullable Long session, String at, RowReader<T> reader) {
    return connection -> {
      try (PreparedStatement statement = connection.prepareStatement(sql)) {
        int next = 1;
        if (session != null) {
          statement.setLong(next++, session);
        }
        statement.setString(next, at);
        try (ResultSet row = statement.executeQuery()) {
          return row.next() ? reader.read(row) : null;
        }
      }
    };
  }

  static Seen seen(@Nullable Stat stat) {
    return stat == null ? Seen.ABSENT : new Seen(stat.czxid(), stat.mzxid(), stat.pzxid());
  }

  static Seen seen(@Nullable Node node) {
    return seen(node == null ? null : node.stat());
  }

  static Seen seen(@Nullable Listing listing) {
    return listing == null ? Seen.ABSENT : listing.seen();
  }
}
