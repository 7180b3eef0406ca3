package dev.pgkeeper.tree;

/**
 * What differs between two moments if any of the nodes in a scope was created, set or deleted in
 * between.
 *
 * @param nodes how many there are
 * @param czxids the sum of the numbers of their creations, in 62 bits
 * @param mzxids the sum of the numbers of their last changes of data, in 62 bits
 * @param pzxids the sum of the numbers of the last changes of their children, in 62 bits
 */
public record NodeSums(long nodes, long czxids, long mzxids, long pzxids) {
  private static final long BITS = (1L << 62) - 1;

  public static final NodeSums NONE = new NodeSums(0, 0, 0, 0);

  /** With one node more. */
  public NodeSums plus(long czxid, long mzxid, long pzxid) {
    return new NodeSums(
        nodes + 1, czxids + czxid & BITS, mzxids + mzxid & BITS, pzxids + pzxid & BITS);
  }

  /** With one of its nodes less. */
  public NodeSums minus(long czxid, long mzxid, long pzxid) {
    return new NodeSums(
        nodes - 1, czxids - czxid & BITS, mzxids - mzxid & BITS, pzxids - pzxid & BITS);
  }
}
