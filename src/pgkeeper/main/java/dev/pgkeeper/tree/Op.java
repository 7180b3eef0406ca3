package dev.pgkeeper.tree;

import java.util.Objects;

/** One step of a {@linkplain TreeOperations#multi multi}. */
public sealed interface Op {
  /** The version that matches any. */
  int ANY_VERSION = -1;

  String path();

  static Op create(String path, byte[] data) {
    return new Create(NewNode.at(path).data(data));
  }

  static Op create(String path, byte[] data, CreateMode mode) {
    return new Create(NewNode.at(path).data(data).mode(mode));
  }

  static Op create(NewNode node) {
    return new Create(node);
  }

  static Op set(String path, byte[] data) {
    return new Set(path, data, ANY_VERSION);
  }

  static Op set(String path, byte[] data, int version) {
    return new Set(path, data, version);
  }

  static Op delete(String path) {
    return new Delete(path, ANY_VERSION);
  }

  static Op delete(String path, int version) {
    return new Delete(path, version);
  }

  /** Changes nothing, but fails the whole multi unless the node exists with this version. */
  static Op check(String path, int version) {
    return new Check(path, version);
  }

  /**
   * Changes nothing, but fails the whole multi, as if the version was another one, unless this was
   * the last change of the node's data: its {@linkplain Stat#mzxid() number} when it was read. A
   * node that was deleted and created again has another one, and may well have the same version.
   */
  static Op checkChange(String path, long mzxid) {
    return new CheckChange(path, mzxid);
  }

  /** Creates a node. */
  record Create(NewNode node) implements Op {
    public Create {
      Objects.requireNonNull(node, "node");
    }

    @Override
    public String path() {
      return node.path();
    }
  }

  /** Sets a node's data, if it has this version. */
  record Set(String path, byte[] data, int version) implements Op {
    public Set {
      Objects.requireNonNull(data, "data");
    }

    /** Without the data: payloads do not belong into logs. */
    @Override
    public String toString() {
      return "Set[" + path + ", " + data.length + " bytes, version " + version + "]";
    }
  }

  /** Deletes a node without children, if it has this version. */
  record Delete(String path, int version) implements Op {}

  /** Changes nothing, and fails unless the node has this version. */
  record Check(String path, int version) implements Op {}

  record CheckChange(String path, long mzxid) implements Op {}
}
