package dev.pgkeeper.differential;

import dev.pgkeeper.tree.Tree;
import java.util.Collection;

/** One side of the comparison: a tree of its own, and sessions to see it with. */
interface Subject extends AutoCloseable {

  /** What a report calls it. */
  String name();

  /** The tree as seen by a session that nobody judges. */
  Tree eye();

  /** Opens a session that sees the node {@code chroot} as its root. */
  Client open(String chroot);

  /** Returns once the watchers of these clients were told of all that has happened so far. */
  default void settle(Collection<? extends Client> clients) {
    clients.forEach(client -> client.tree().sync());
  }

  /** Whether changes of different nodes are told in the order in which they were made. */
  default boolean tellsInOrder() {
    return true;
  }

  /** Ends a session as the server does when it heard nothing of it for too long. */
  void expire(Client client);

  /**
   * Deletes the containers and the nodes with a TTL that are due, as if {@code millis} more had
   * passed since they were last set.
   */
  void reap(long millis);

  @Override
  void close();
}
