package dev.pgkeeper.recipes;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;

/** Somebody's place in a {@link Group}, until this is closed, or its process dies. */
public final class Membership extends Presence {
  private final String id;

  Membership(Keeper keeper, String path, String id, byte[] data) {
    super(new PersistentNode(keeper, path, data));
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
