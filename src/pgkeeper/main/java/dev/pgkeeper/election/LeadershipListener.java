package dev.pgkeeper.election;

/**
 * Told of leadership, one call at a time and in order, on a thread that is there for nothing else.
 */
public interface LeadershipListener {
  /** It leads from now on. If this throws, the leadership is given up. */
  void onElected(Leadership leadership);

  /**
   * It does not lead any more, or is about to give up the leadership: that is not done before this
   * returns. Told once for each {@link #onElected} that returned.
   */
  void onLost(Leadership leadership);
}
