package dev.pgkeeper.discovery;

import dev.pgkeeper.DataTooLargeException;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.cache.PersistentNode;
import dev.pgkeeper.internal.session.Sessions;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;

/** An instance that is registered until this is closed, or its process dies. */
public final class Registration extends Presence {
  private final ReentrantLock lock = new ReentrantLock();
  private volatile ServiceInstance instance;

  Registration(Sessions sessions, String path, ServiceInstance instance) {
    super(new PersistentNode(sessions, path, InstanceText.encode(instance)));
    this.instance = instance;
  }

  /** What was registered last. */
  public ServiceInstance instance() {
    return instance;
  }

  /**
   * Registers a changed instance, for example {@code update(instance -> instance.down())}; its id
   * stays.
   *
   * @throws KeeperException if the database could not be reached: it is registered so later
   */
  public void update(UnaryOperator<ServiceInstance> change) {
    lock.lock();
    try {
      ServiceInstance next = change.apply(instance);
      if (!next.id().equals(instance.id())) {
        throw new IllegalArgumentException(
            node.path()
                + ": the id "
                + instance.id()
                + " would become "
                + next.id()
                + "; close this and register the other one");
      }
      ServiceInstance before = instance;
      instance = next;
      try {
        node.setData(InstanceText.encode(next));
      } catch (DataTooLargeException | IllegalStateException e) {
        instance = before; // nothing of it will be registered
        throw e;
      }
    } finally {
      lock.unlock();
    }
  }
}
