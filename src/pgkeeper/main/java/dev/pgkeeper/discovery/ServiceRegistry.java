package dev.pgkeeper.discovery;

import dev.pgkeeper.internal.path.ChildPaths;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.tree.Node;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Services, where each can be reached, and which one to call.
 *
 * <pre>{@code
 * ServiceRegistry services = keeper.services("/services");
 * try (Registration mine = services.register("mail", ServiceInstance.at("10.0.0.7", 8080));
 *     Discovery mail = services.discover("mail")) {
 *   mail.choose(Choice.ROUND_ROBIN).ifPresent(instance -> call(instance));
 * }
 * }</pre>
 *
 * <p>An instance is an ephemeral node {@code <path>/<service>/<id>}, whose data is one line of
 * {@code key=value} for each property. It is there once, whatever becomes of connections: after a
 * lost session, or if somebody deleted it, it is registered again under its id. If its process
 * dies, it goes with the session, after the grace; while the database is away, everybody goes on
 * with what is known.
 *
 * <p>Immutable; any number of objects with the same path are the same registry.
 */
public final class ServiceRegistry {
  private static final Logger log = LoggerFactory.getLogger(ServiceRegistry.class);
  private static final Duration PAUSE = Duration.ofSeconds(10);

  private final Sessions sessions;
  private final String path;
  private final Duration pause;

  /**
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public ServiceRegistry(Sessions sessions, String path) {
    this(sessions, path, PAUSE);
  }

  private ServiceRegistry(Sessions sessions, String path, Duration pause) {
    this.sessions = sessions;
    this.path = path;
    this.pause = pause;
  }

  /**
   * Returns the same registry, which leaves out an instance that was reported as failing for so
   * long. By default that is ten seconds.
   */
  public ServiceRegistry leavingOutFor(Duration newPause) {
    if (newPause.isNegative() || newPause.compareTo(Duration.ofDays(1)) > 0) {
      throw new IllegalArgumentException(
          path + ": what fails is left out for " + newPause + "; use none, or a day at most");
    }
    return new ServiceRegistry(sessions, path, newPause);
  }

  public String path() {
    return path;
  }

  /** Registers an instance. Others know of it soon after this returns. */
  public Registration register(String service, ServiceInstance instance) {
    return new Registration(sessions, at(service) + "/" + instance.id(), instance);
  }

  /** Follows a service, whether or not anybody is registered for it yet. */
  public Discovery discover(String service) {
    return new Discovery(sessions, at(service), pause);
  }

  /** Who is registered at this moment, in the order of their ids; asks the database. */
  public List<ServiceInstance> instances(String service) {
    String at = at(service);
    return instances(
        at,
        Children.read(sessions, at),
        (node, failure) -> log.warn("{}: passed over", at, failure));
  }

  /** The names under which somebody is, or was, registered, sorted. */
  public List<String> services() {
    return sessions.tree().exists(path).isEmpty() ? List.of() : sessions.tree().children(path);
  }

  private String at(String service) {
    if (service.isEmpty() || service.indexOf('/') >= 0) {
      throw new IllegalArgumentException(
          path
              + ": the service is called \""
              + service
              + "\"; use a name of at least one character without /");
    }
    return ChildPaths.of(path, service);
  }

  /**
   * @param unreadable told of each node that is no instance, which is passed over
   */
  static List<ServiceInstance> instances(
      String at, SortedMap<String, Node> nodes, BiConsumer<Node, Throwable> unreadable) {
    List<ServiceInstance> instances = new ArrayList<>();
    nodes.forEach(
        (id, node) -> {
          try {
            instances.add(InstanceText.decode(id, node.data()));
          } catch (Exception e) {
            unreadable.accept(
                node,
                new IllegalArgumentException(
                    at + "/" + id + " is no instance of a service: " + e.getMessage(), e));
          }
        });
    return instances;
  }

  @Override
  public String toString() {
    return "ServiceRegistry[" + path + "]";
  }
}
