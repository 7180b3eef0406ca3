package dev.pgkeeper.differential;

import dev.pgkeeper.tree.Tree;

/** A session of a {@link Subject}. */
interface Client extends AutoCloseable {

  Tree tree();

  /** The {@code ephemeralOwner} of what the session owns. */
  long sessionId();

  /** Ends the session and what it owned. */
  @Override
  void close();
}
