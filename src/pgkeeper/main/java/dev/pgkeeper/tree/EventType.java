package dev.pgkeeper.tree;

/** What a watcher is told. */
public enum EventType {
  /** Nothing happened to a node; the session's state changed. */
  NONE,
  NODE_CREATED,
  NODE_DELETED,
  NODE_DATA_CHANGED,
  NODE_CHILDREN_CHANGED
}
