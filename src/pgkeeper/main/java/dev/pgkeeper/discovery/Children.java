package dev.pgkeeper.discovery;

import dev.pgkeeper.cache.NodeCache;
import dev.pgkeeper.internal.path.ChildPaths;
import dev.pgkeeper.internal.recipe.FirstLook;
import dev.pgkeeper.internal.recipe.NodePages;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.PathNode;
import dev.pgkeeper.tree.Scope;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** A node's children by their names, with their data: what a {@link NodeCache} has of them. */
final class Children implements AutoCloseable {
  private final String path;
  private final NodeCache cache;

  /**
   * Has told them when this returns.
   *
   * @param changed told of all of them at the start and whenever any has changed, one call at a
   *     time; it should not block
   */
  Children(Sessions sessions, String path, Consumer<SortedMap<String, Node>> changed) {
    this.path = path;
    this.cache = new NodeCache(sessions, path, Scope.CHILDREN);
    CompletableFuture<Void> told = new CompletableFuture<>();
    cache.onChange(
        () -> {
          try {
            changed.accept(byName(path, cache.stream()));
          } finally {
            told.complete(null);
          }
        });
    FirstLook.await(told, path, sessions.options().operationTimeout(), cache::close);
  }

  /** What is there now. */
  static SortedMap<String, Node> read(Sessions sessions, String path) {
    return byName(path, NodePages.all(sessions.tree(), Scope.CHILDREN, path).stream());
  }

  private static SortedMap<String, Node> byName(String path, Stream<PathNode> nodes) {
    int prefix = ChildPaths.prefix(path).length();
    SortedMap<String, Node> children = new TreeMap<>();
    nodes.forEach(each -> children.put(each.path().substring(prefix), each.node()));
    return Collections.unmodifiableSortedMap(children);
  }

  @Override
  public void close() {
    cache.close();
  }

  @Override
  public String toString() {
    return "Children[" + path + "]";
  }
}
