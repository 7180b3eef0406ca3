package dev.pgkeeper.internal.recipe;

import dev.pgkeeper.tree.NodePage;
import dev.pgkeeper.tree.PathNode;
import dev.pgkeeper.tree.Scope;
import dev.pgkeeper.tree.TreeOperations;
import java.util.ArrayList;
import java.util.List;

/** All nodes of a scope, however many there are: a page at a time, in as many round trips. */
public final class NodePages {
  private static final int NODES_AT_ONCE = 2_000;

  private NodePages() {}

  /** Handed one page after the other; there is one at least. */
  public interface Reader {
    /**
     * All that there is after one path ({@code ""} for the first) up to the last of these, or, of
     * the last page, to the end.
     */
    void read(String after, List<PathNode> nodes, boolean isLast);
  }

  public static void read(TreeOperations tree, Scope scope, String path, Reader reader) {
    String after = "";
    boolean more = true;
    while (more) {
      NodePage page = tree.nodePage(scope, path, after, NODES_AT_ONCE);
      List<PathNode> nodes = page.nodes();
      more = page.hasMore();
      reader.read(after, nodes, !more);
      after = more ? nodes.get(nodes.size() - 1).path() : after;
    }
  }

  public static List<PathNode> all(TreeOperations tree, Scope scope, String path) {
    List<PathNode> all = new ArrayList<>();
    read(tree, scope, path, (after, nodes, isLast) -> all.addAll(nodes));
    return all;
  }
}
