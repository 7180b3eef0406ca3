package dev.pgkeeper.tree;

/** How a watch that is not used up looks at its path. */
public enum WatchMode {
  /** The node and the list of its children. */
  PERSISTENT,
  /** The node and everything below it; told of each node's own events, never of children lists. */
  PERSISTENT_RECURSIVE
}
