package dev.pgkeeper.cache;

import dev.pgkeeper.internal.path.ChildPaths;
import dev.pgkeeper.internal.recipe.NodePages;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.PathNode;
import dev.pgkeeper.tree.Read;
import dev.pgkeeper.tree.ReadResult;
import dev.pgkeeper.tree.Scope;
import dev.pgkeeper.tree.Tree;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Makes a {@link CacheContents} what the database has, one look after the other, by the numbers of
 * the nodes' creations and last changes. What happens during a look is found by the next one.
 */
final class CacheRefresh {
  private static final int PATHS_AT_ONCE = 100;
  private static final int MOST_DIFFERING_SUMS = 3;

  /** Loading takes up at most one part in so many of the time, as long as no ring was lost. */
  private static final int REST = 20;

  private final Scope scope;
  private final String path;
  private final CacheContents contents;
  private final Runnable found;

  private boolean loaded;
  private int differingSums;
  private volatile long loadTook;
  private volatile long loadEnded;

  /**
   * @param found called while much is loaded, so that changes need not be kept for too long
   */
  CacheRefresh(Scope scope, String path, CacheContents contents, Runnable found) {
    this.scope = scope;
    this.path = path;
    this.contents = contents;
    this.found = found;
  }

  /** Whether everything was here once. */
  boolean isLoaded() {
    return loaded;
  }

  /** Whether loading everything may come again, if nothing says that it has to. */
  boolean hasRested() {
    return System.nanoTime() - loadEnded > REST * loadTook;
  }

  /**
   * Compares everything, by a count and sums where they tell enough. Returns false if they differ.
   * That may be changes whose hints are on their way, so compare again soon.
   */
  boolean compareAll(Tree tree) {
    if (loaded && scope != Scope.NODE) {
      if (tree.nodeSums(scope, path).equals(contents.sums())) {
        differingSums = 0;
        return true;
      } else if (++differingSums < MOST_DIFFERING_SUMS) {
        return false;
      }
    }
    load(tree);
    differingSums = 0;
    loaded = true;
    return true;
  }

  private void load(Tree tree) {
    long began = System.nanoTime();
    NodePages.read(
        tree,
        scope,
        path,
        (after, nodes, isLast) -> {
          contents.putPage(after, nodes, isLast);
          found.run();
        });
    loadEnded = System.nanoTime();
    loadTook = loadEnded - began;
  }

  /**
   * Looks at some paths, at what was known below those that are another node now, and at the
   * parents of those that came or went, whose stats count them.
   */
  void compare(Tree tree, Set<String> hinted) {
    Set<String> parents = new LinkedHashSet<>();
    Set<String> next = hinted;
    while (!next.isEmpty()) {
      List<String> paths = new ArrayList<>(next);
      next = new LinkedHashSet<>();
      for (int from = 0; from < paths.size(); from += PATHS_AT_ONCE) {
        List<String> some = paths.subList(from, Math.min(paths.size(), from + PATHS_AT_ONCE));
        List<ReadResult> results = tree.readAll(some.stream().map(Read::node).toList());
        for (int i = 0; i < some.size(); i++) {
          String at = some.get(i);
          Node node = results.get(i).node();
          boolean moved = node == null ? contents.remove(at) : contents.put(new PathNode(at, node));
          if (moved && scope == Scope.SUBTREE) {
            next.addAll(contents.below(at).keySet());
            if (!at.equals(path)) {
              parents.add(ChildPaths.parent(at));
            }
          }
        }
      }
      if (next.isEmpty()) {
        next = parents;
        parents = new LinkedHashSet<>();
      }
    }
  }
}
