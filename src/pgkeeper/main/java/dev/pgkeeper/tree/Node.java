package dev.pgkeeper.tree;

import java.util.Arrays;

/** A znode as it was read: its data and what is known of it. */
public record Node(byte[] data, Stat stat) {
  @Override
  public boolean equals(Object other) {
    return other instanceof Node node && Arrays.equals(data, node.data) && stat.equals(node.stat);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(data) + stat.hashCode();
  }

  /** Without the data: payloads do not belong into logs. */
  @Override
  public String toString() {
    return "Node[" + data.length + " bytes, " + stat + "]";
  }
}
