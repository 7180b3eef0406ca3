package dev.pgkeeper.queue;

/**
 * How many messages there are.
 *
 * @param ready could be taken now
 * @param delayed are not due yet, or wait to be tried again
 * @param behind wait until another message of their key is done with
 * @param claimed are with somebody
 * @param dead are under the dead letters
 */
public record QueueSize(long ready, long delayed, long behind, long claimed, long dead) {
  /** All that somebody will have, or has. */
  public long live() {
    return ready + delayed + behind + claimed;
  }
}
