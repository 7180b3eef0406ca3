package dev.pgkeeper.tree;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A znode to be created: {@code
 * NewNode.at("/a/b").data(bytes).mode(CreateMode.EPHEMERAL).withParents()}. Immutable; each call
 * returns a changed copy.
 */
public final class NewNode {
  private final String path;
  private final byte[] data;
  private final CreateMode mode;
  private final @Nullable Duration ttl;
  private final boolean parents;

  private NewNode(
      String path, byte[] data, CreateMode mode, @Nullable Duration ttl, boolean parents) {
    this.path = Objects.requireNonNull(path, "path");
    this.data = Objects.requireNonNull(data, "data");
    this.mode = Objects.requireNonNull(mode, "mode");
    this.ttl = ttl;
    this.parents = parents;
  }

  /** A persistent node without data. */
  public static NewNode at(String path) {
    return new NewNode(path, new byte[0], CreateMode.PERSISTENT, null, false);
  }

  public NewNode data(byte[] bytes) {
    return new NewNode(path, bytes, mode, ttl, parents);
  }

  public NewNode mode(CreateMode newMode) {
    return new NewNode(path, data, newMode, ttl, parents);
  }

  /**
   * How long the node stays childless and unset before it goes; needed by, and only by, the modes
   * with a TTL.
   */
  public NewNode ttl(Duration newTtl) {
    return new NewNode(path, data, mode, Objects.requireNonNull(newTtl, "ttl"), parents);
  }

  /** Creates missing ancestors as persistent nodes without data. */
  public NewNode withParents() {
    return new NewNode(path, data, mode, ttl, true);
  }

  public String path() {
    return path;
  }

  public byte[] data() {
    return data;
  }

  public CreateMode mode() {
    return mode;
  }

  public @Nullable Duration ttl() {
    return ttl;
  }

  public boolean createsParents() {
    return parents;
  }

  @Override
  public String toString() {
    return "NewNode[" + path + ", " + mode + ", " + data.length + " bytes]";
  }
}
