package dev.pgkeeper.tree;

/** One question of a {@linkplain TreeOperations#readAll read of several nodes at one moment}. */
public sealed interface Read {
  String path();

  /** The data and stat of a node. */
  static Read node(String path) {
    return new OfNode(path);
  }

  /** The names of a node's children. */
  static Read children(String path) {
    return new OfChildren(path);
  }

  /** Asks for a node's data and stat. */
  record OfNode(String path) implements Read {}

  /** Asks for the names of a node's children. */
  record OfChildren(String path) implements Read {}
}
