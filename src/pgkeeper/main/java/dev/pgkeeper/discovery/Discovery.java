package dev.pgkeeper.discovery;

import dev.pgkeeper.Subscription;
import dev.pgkeeper.internal.recipe.ErrorListeners;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.tree.Node;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.function.Consumer;

/**
 * The instances of one service as they are known here, and choices among them without a round trip.
 * What is known follows the database, and is what it was while that is away; after a lost session
 * it is read again in the next one. Safe for use by many threads.
 *
 * <p>Instances that are {@linkplain ServiceInstance#isUp down} are never chosen. One that was
 * reported as failing is left out for a while in this process, unless all of them are.
 */
public final class Discovery implements AutoCloseable {
  private final String path;
  private final ErrorListeners errors;
  private final InstanceSelector selector;
  private final Audience<List<ServiceInstance>> audience;
  private final Children children;

  /**
   * The changes that left nodes unreadable as instances, and that were reported; used by one call
   * at a time.
   */
  private Set<Long> reported = Set.of();

  Discovery(Sessions sessions, String path, Duration pause) {
    this.path = path;
    this.errors = new ErrorListeners(toString());
    this.selector = new InstanceSelector(pause, System::nanoTime);
    this.audience = new Audience<>("pgkeeper-discovery " + path, errors, List.of());
    this.children = new Children(sessions, path, this::become);
  }

  private void become(SortedMap<String, Node> nodes) {
    Set<Long> unreadable = new HashSet<>();
    selector.become(
        ServiceRegistry.instances(
            path,
            nodes,
            (node, failure) -> {
              unreadable.add(node.stat().mzxid());
              if (!reported.contains(node.stat().mzxid())) {
                errors.report(failure);
              }
            }));
    reported = unreadable;
    audience.tell(selector.all());
  }

  /** All that are registered, whether they can be chosen or not, in the order of their ids. */
  public List<ServiceInstance> instances() {
    return selector.all();
  }

  /** Chooses an instance; empty if no instance is up. */
  public Optional<ServiceInstance> choose(Choice how) {
    return selector.choose(how).map(InstanceSelector.Entry::instance);
  }

  /**
   * Chooses the same instance for a key as long as that is there, up and not left out; then another
   * one, with which the key stays. A key is remembered until at least 50,000 other keys have been
   * asked for. Even then it most often gets the same instance.
   */
  public Optional<ServiceInstance> chooseFor(String key) {
    return selector.chooseFor(key).map(InstanceSelector.Entry::instance);
  }

  /** Chooses one and counts a call of it as open, until that is closed. */
  public Optional<ServiceCall> open(Choice how) {
    return selector.choose(how).map(entry -> new ServiceCall(selector, entry));
  }

  /** Opens a call to the instance of a {@linkplain #chooseFor key}. */
  public Optional<ServiceCall> openFor(String key) {
    return selector.chooseFor(key).map(entry -> new ServiceCall(selector, entry));
  }

  /** Leaves this one out for a while, unless all others are left out too. */
  public void reportFailing(ServiceInstance instance) {
    selector.fails(instance.id());
  }

  /** Tells what is registered: what is known now, and then whenever it has changed. */
  public Subscription onChange(Consumer<List<ServiceInstance>> listener) {
    return audience.add(listener);
  }

  /** Tells what listeners throw, and of nodes that are no instances: these are passed over. */
  public Subscription onError(Consumer<Throwable> listener) {
    return errors.add(listener);
  }

  /** Follows no more; what is known can still be chosen from. */
  @Override
  public void close() {
    children.close();
  }

  @Override
  public String toString() {
    return "Discovery[" + path + "]";
  }
}
