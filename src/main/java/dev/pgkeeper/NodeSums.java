package dev.pgkeeper;

/**
 * What differs between two moments if any of the nodes in a scope was created, set or deleted in
 * between.
 *
 * @param nodes how many there are
 * @param czxids the sum of the numbers of their creations, in 62 bits
 * @param mzxids the sum of the numbers of their last changes of data, in 62 bits
 */
public record NodeSums(long nodes, long czxids, long mzxids) {
  private static final long BITS = (1L << 62) - 1;

  public static final NodeSums NONE = new NodeSums(0, 0, 0);

  /** With one node more. */
  public NodeSums plus(long czxid, long mzxid) {
    return new NodeSums(nodes + 1, czxids + czxid & BITS, mzxids + mzxid & BITS);
  }

  /** With one of its nodes less. */
  public NodeSums minus(long czxid, long mzxid) {
    return new NodeSums(nodes - 1, czxids - czxid & BITS, mzxids - mzxid & BITS);
  }
}
