package dev.pgkeeper.discovery;

import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.UUID;

/**
 * Where a service can be reached, and what is to be known for choosing it. Immutable; each {@code
 * with…} returns a changed copy.
 *
 * @param id its name among the instances of its service, and that of its node
 * @param host a name or an address
 * @param port 1 to 65,535
 * @param weight how much it gets when chosen {@linkplain Choice#WEIGHTED by weight}; with 0 nothing
 *     as long as another one has more
 * @param isUp whether it takes calls: one that does not is known, and never chosen
 * @param metadata whatever callers want to know besides
 */
public record ServiceInstance(
    String id, String host, int port, int weight, boolean isUp, Map<String, String> metadata) {
  private static final int LARGEST_WEIGHT = 1_000_000;

  public ServiceInstance {
    Objects.requireNonNull(host, "host");
    if (id.isEmpty() || id.indexOf('/') >= 0) {
      throw new IllegalArgumentException(
          "the id of an instance is \""
              + id
              + "\"; use a name of at least one character without /");
    } else if (host.isBlank() || host.chars().anyMatch(c -> c <= ' ')) {
      throw new IllegalArgumentException(
          "the host of instance "
              + id
              + " is \""
              + host.strip()
              + "\"; name the host or address that callers are to connect to");
    } else if (port < 1 || port > 65_535) {
      throw new IllegalArgumentException(
          "the port of instance " + id + " is " + port + "; use 1 to 65535");
    } else if (weight < 0 || weight > LARGEST_WEIGHT) {
      throw new IllegalArgumentException(
          "the weight of instance " + id + " is " + weight + "; use 0 to " + LARGEST_WEIGHT);
    } else if (metadata.containsKey("")) {
      throw new IllegalArgumentException("metadata of instance " + id + " has an empty key");
    }
    metadata = Map.copyOf(metadata);
  }

  /** One that is up, with the weight 1, no metadata and an id that nobody else has. */
  public static ServiceInstance at(String host, int port) {
    return new ServiceInstance(UUID.randomUUID().toString(), host, port, 1, true, Map.of());
  }

  /**
   * With a name of its own. While another process is registered under it, one that registers waits
   * until that has gone.
   */
  public ServiceInstance withId(String newId) {
    return new ServiceInstance(newId, host, port, weight, isUp, metadata);
  }

  public ServiceInstance withWeight(int newWeight) {
    return new ServiceInstance(id, host, port, newWeight, isUp, metadata);
  }

  /** Takes calls. */
  public ServiceInstance up() {
    return new ServiceInstance(id, host, port, weight, true, metadata);
  }

  /** Takes none for now. */
  public ServiceInstance down() {
    return new ServiceInstance(id, host, port, weight, false, metadata);
  }

  public ServiceInstance withMetadata(String key, String value) {
    Map<String, String> more = new TreeMap<>(metadata);
    more.put(key, value);
    return withMetadata(more);
  }

  /** With this instead of what it had. */
  public ServiceInstance withMetadata(Map<String, String> newMetadata) {
    return new ServiceInstance(id, host, port, weight, isUp, newMetadata);
  }

  /** Without the metadata: they may hold anything. */
  @Override
  public String toString() {
    return id + " at " + host + ":" + port + (isUp ? "" : ", down");
  }
}
