package dev.pgkeeper.differential;

import dev.pgkeeper.tree.EventType;

/**
 * Something that a watcher was told of a node.
 *
 * @param watcher its number among the watchers of its client
 */
record Heard(int watcher, EventType type, String path) {
  @Override
  public String toString() {
    return "w" + watcher + " " + type + " " + path;
  }
}
