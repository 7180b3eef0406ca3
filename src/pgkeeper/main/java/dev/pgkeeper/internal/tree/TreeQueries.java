package dev.pgkeeper.internal.tree;

import dev.pgkeeper.internal.jdbc.Call;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.Outcome;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import dev.pgkeeper.internal.watch.Seen;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.PathNode;
import dev.pgkeeper.tree.Stat;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The reads of one node, plain and leaving a watch. Each answers null if there is no node. */
final class TreeQueries {
  private TreeQueries() {}

  /** A node's children and what was seen of the node. */
  record Listing(List<String> names, Seen seen) {}

  static SqlFunction<@Nullable Stat> exists(String schema, String at) {
    return Call.columns("*", schema, "exists", at).rowOrNull(Outcome::stat);
  }

  static SqlFunction<@Nullable Stat> existsWatched(String schema, long session, String at) {
    return Call.columns("*", schema, "watch_node", session, at).rowOrNull(Outcome::stat);
  }

  static SqlFunction<@Nullable Node> get(String schema, String at) {
    return Call.columns("*", schema, "get", at).rowOrNull(TreeQueries::node);
  }

  static SqlFunction<@Nullable Node> getWatched(String schema, long session, String at) {
    return Call.columns("*", schema, "watch_node", session, at).rowOrNull(TreeQueries::node);
  }

  static SqlFunction<@Nullable Listing> children(String schema, String at) {
    return Call.columns("*", schema, "children_at", at).rowOrNull(TreeQueries::listing);
  }

  static SqlFunction<@Nullable Listing> childrenWatched(String schema, long session, String at) {
    return Call.columns("*", schema, "watch_children", session, at).rowOrNull(TreeQueries::listing);
  }

  static SqlFunction<@Nullable Seen> persistentWatched(String schema, long session, String at) {
    return Call.columns("*", schema, "watch_persistent", session, at).rowOrNull(Seen::of);
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
    return Call.columns("*", schema, "node_page", at, children, after, limit, mostBytes)
        .rows(row -> new PathNode(seenFrom.apply(row.getString("path")), node(row)));
  }

  private static Node node(ResultSet row) throws SQLException {
    return new Node(row.getBytes("data"), Outcome.stat(row));
  }

  private static Listing listing(ResultSet row) throws SQLException {
    return new Listing(List.of(Database.strings(row, row.findColumn("names"))), Seen.of(row));
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
