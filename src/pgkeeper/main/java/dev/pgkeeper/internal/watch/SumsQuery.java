package dev.pgkeeper.internal.watch;

import dev.pgkeeper.internal.jdbc.Call;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import dev.pgkeeper.tree.NodeSums;

/** Asks for the sums of a node and all below it, or of its children (R__12_subtrees.sql). */
public final class SumsQuery {
  private SumsQuery() {}

  public static SqlFunction<NodeSums> of(String schema, String path, boolean children) {
    return Call.columns("*", schema, "node_sums", path, children)
        .row(
            row ->
                new NodeSums(
                    row.getLong("nodes"),
                    row.getLong("czxids"),
                    row.getLong("mzxids"),
                    row.getLong("pzxids")));
  }
}
