package dev.pgkeeper.tree;

import dev.pgkeeper.KeeperException;
import java.util.List;
import java.util.Optional;

/**
 * The operations on the znode tree that work both on their own and {@linkplain
 * dev.pgkeeper.Keeper#tree(java.sql.Connection) inside a transaction of the caller's}. They answer
 * as ZooKeeper's do: a rule that was broken comes back as a {@link KeeperException} that names the
 * path, and nothing is changed.
 *
 * <p>Versions: {@link Op#ANY_VERSION} matches any; other negative numbers are refused.
 */
public interface TreeOperations {
  /** Creates a persistent node; its parent must exist. Returns its path. */
  default String create(String path, byte[] data) {
    return create(NewNode.at(path).data(data)).path();
  }

  /**
   * Creates a node; its parent must exist. Returns its real path: a sequential one has its number
   * appended.
   */
  default String create(String path, byte[] data, CreateMode mode) {
    return create(NewNode.at(path).data(data).mode(mode)).path();
  }

  Created create(NewNode node);

  /** The stat of the node, empty if there is none. */
  Optional<Stat> exists(String path);

  /** The stat of a node that has to exist. */
  default Stat stat(String path) {
    return exists(path).orElseThrow(() -> KeeperException.of(KeeperException.Code.NO_NODE, path));
  }

  Node get(String path);

  default Stat set(String path, byte[] data) {
    return set(path, data, Op.ANY_VERSION);
  }

  /** Sets the data if the node has this version. */
  Stat set(String path, byte[] data, int version);

  /**
   * Adds to a node whose data are a whole number of 64 bits in decimal digits, and returns the sum.
   * Others may add at the same time, and nobody has to try again.
   *
   * @throws KeeperException.NoNode if there is none
   * @throws KeeperException.NotANumber if the data are something else
   * @throws KeeperException.Overflow if 64 bits do not hold the sum; nothing was added
   */
  long add(String path, long delta);

  /**
   * Sets a node whose data are such a number to a new number, if its number is the expected one at
   * that moment. Returns false if it is not.
   *
   * @throws KeeperException.NoNode if there is none
   * @throws KeeperException.NotANumber if the data are something else
   */
  boolean compareAndSet(String path, long expected, long value);

  default void delete(String path) {
    delete(path, Op.ANY_VERSION);
  }

  /** Deletes a node without children if it has this version. */
  void delete(String path, int version);

  /** Deletes the node and everything below it at one moment. Returns how many nodes went. */
  int deleteRecursive(String path);

  /** The names of all children, sorted. For parents with very many, see {@link #childPage}. */
  List<String> children(String path);

  /**
   * At most {@code limit} names of children, sorted, that come after {@code after} ({@code ""} for
   * the first).
   */
  ChildPage childPage(String path, String after, int limit);

  /**
   * At most {@code limit} nodes of a scope with their data, sorted by path, that come after {@code
   * after} ({@code ""} for the first), in one round trip; fewer if their data together exceed a few
   * megabytes. Empty if there is no such node.
   */
  NodePage nodePage(Scope scope, String path, String after, int limit);

  /**
   * Returns sums that tell, when compared with earlier ones, whether any of these nodes has
   * changed; no node is read.
   */
  NodeSums nodeSums(Scope scope, String path);

  /** All steps or none, in order, each seeing those before it. */
  List<OpResult> multi(List<Op> ops);

  default List<OpResult> multi(Op... ops) {
    return multi(List.of(ops));
  }

  /** Several reads at one moment; each reports its own error. */
  List<ReadResult> readAll(List<Read> reads);
}
