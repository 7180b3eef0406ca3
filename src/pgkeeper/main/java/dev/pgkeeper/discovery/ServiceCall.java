package dev.pgkeeper.discovery;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A call of an instance that is under way: it counts as one of its open connections until it is
 * closed.
 */
public final class ServiceCall implements AutoCloseable {
  private final InstanceSelector selector;
  private final InstanceSelector.Entry entry;
  private final ServiceInstance instance;
  private final AtomicBoolean closed = new AtomicBoolean();

  ServiceCall(InstanceSelector selector, InstanceSelector.Entry entry) {
    this.selector = selector;
    this.entry = entry;
    this.instance = entry.instance();
    entry.opened();
  }

  public ServiceInstance instance() {
    return instance;
  }

  /** The instance did not do what it was asked for: it is left out for a while. */
  public void failed() {
    selector.fails(instance.id());
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
