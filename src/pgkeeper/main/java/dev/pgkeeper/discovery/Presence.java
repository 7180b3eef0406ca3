package dev.pgkeeper.discovery;

import dev.pgkeeper.Subscription;
import dev.pgkeeper.cache.PersistentNode;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * What others see of somebody, as a {@link PersistentNode}: there until this is closed, or its
 * process dies.
 */
public abstract sealed class Presence implements AutoCloseable permits Membership, Registration {
  final PersistentNode node;

  Presence(PersistentNode node) {
    this.node = node;
  }

  /** Whether it was there when it was last looked at; not while another one has its id. */
  public boolean isThere() {
    return node.isThere();
  }

  /** Waits until it is registered. Returns false if it is not in this time. */
  public boolean awaitThere(Duration patience) throws InterruptedException {
    return node.awaitThere(patience);
  }

  /** Tells why the instance cannot be registered, unless it is only that the database is away. */
  public Subscription onError(Consumer<Throwable> listener) {
    return node.onError(listener);
  }

  /** Takes it away. Calling this again does nothing. */
  @Override
  public void close() {
    node.close();
  }

  @Override
  public String toString() {
    return getClass().getSimpleName() + "[" + node.path() + "]";
  }
}
