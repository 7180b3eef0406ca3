package dev.pgkeeper.recipes;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Subscription;
import java.time.Duration;
import java.util.function.Consumer;

/** Somebody's place in a {@link Group}, until this is closed, or its process dies. */
public final class Membership implements AutoCloseable {
  private final String id;
  private final PersistentNode node;

  Membership(Keeper keeper, String path, String id, byte[] data) {
    this.id = id;
    this.node = new PersistentNode(keeper, path, data);
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

  /** Whether it was a member when that was last looked at; not while another one has its id. */
  public boolean isThere() {
    return node.isThere();
  }

  /** Waits until it is a member. False: not within this time. */
  public boolean awaitThere(Duration patience) throws InterruptedException {
    return node.awaitThere(patience);
  }

  /** Tells why it cannot be a member, except that the database is away. */
  public Subscription onError(Consumer<Throwable> listener) {
    return node.onError(listener);
  }

  /** Leaves the group. Calling it again does nothing. */
  @Override
  public void close() {
    node.close();
  }

  @Override
  public String toString() {
    return "Membership[" + node.path() + "]";
  }
}
