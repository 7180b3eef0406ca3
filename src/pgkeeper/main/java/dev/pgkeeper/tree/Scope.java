package dev.pgkeeper.tree;

/** Which nodes are meant by a path. */
public enum Scope {
  /** The node. */
  NODE,
  /** The node's children, without the node. */
  CHILDREN,
  /** The node and everything below it. */
  SUBTREE
}
