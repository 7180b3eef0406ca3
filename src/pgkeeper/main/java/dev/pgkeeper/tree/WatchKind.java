package dev.pgkeeper.tree;

/** Which watches of a path to remove. */
public enum WatchKind {
  /** One-shot watches left by {@code children}. */
  CHILDREN,
  /** One-shot watches left by {@code get} and {@code exists}. */
  DATA,
  /** All watches, those that stay included. */
  ANY
}
