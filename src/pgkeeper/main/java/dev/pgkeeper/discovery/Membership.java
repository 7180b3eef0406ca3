package dev.pgkeeper.discovery;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.cache.PersistentNode;
import dev.pgkeeper.internal.session.Sessions;

/** Somebody's place in a {@link Group}, until this is closed, or its process dies. */
public final class Membership extends Presence {
  private final String id;

  Membership(Sessions sessions, String path, String id, byte[] data) {
    super(new PersistentNode(sessions, path, data));
    this.id = id;
  }

  /** Its name in the group. */
  public String id() {
    return id;
  }

  /**
   * Lets the others know this instead.
   *
   * @throws KeeperException if the database could not be reached: they know it later
   */
  public void update(byte[] data) {
    node.setData(data);
  }
}
