package dev.pgkeeper.recipes;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A call of an instance that is under way: it counts as one of its open connections until it is
 * closed.
 */
public final class ServiceCall implements AutoCloseable {
  private final Roster roster;
  private final Roster.Entry entry;
  private final ServiceInstance instance;
  private final AtomicBoolean closed = new AtomicBoolean();

  ServiceCall(Roster roster, Roster.Entry entry) {
    this.roster = roster;
    this.entry = entry;
    this.instance = entry.instance();
    entry.opened();
  }

  public ServiceInstance instance() {
    return instance;
  }

  /** The instance did not do what it was asked for: it is left out for a while. */
  public void failed() {
    roster.fails(instance.id());
  }

  @Override
  public void close() {
    if (!closed.getAndSet(true)) {
      entry.closed();
    }
  }

  @Override
  public String toString() {
    return "ServiceCall[" + instance + "]";
  }
}
