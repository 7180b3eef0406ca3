package dev.pgkeeper.cache;

import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.PathNode;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link NodeCache} saw happen to a node: created if there was none before, deleted if there
 * is none now, else changed. A node that was deleted and created again is told as both. Several
 * changes in quick succession may be told as one that leads to the last.
 */
public record CacheChange(String path, @Nullable Node before, @Nullable Node now) {
  static CacheChange created(PathNode node) {
    return new CacheChange(node.path(), null, node.node());
  }

  public boolean isCreated() {
    return before == null;
  }

  public boolean isDeleted() {
    return now == null;
  }

  public boolean isChanged() {
    return before != null && now != null;
  }
}
