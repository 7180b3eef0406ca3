package dev.pgkeeper.job;

/**
 * What becomes of ticks that nobody ran in time, because the whole fleet was down or the job was
 * paused. Where several are due, those before the newest have been missed; the newest counts as
 * missed only once it is more than a minute late.
 */
public enum Missed {
  /** Nothing: the job goes on with the next tick. */
  SKIP,
  /** One run for all of them, for the newest tick. */
  RUN_ONCE,
  /**
   * A run for each, the oldest first; if very many were missed, only for the newest 1,000, or as
   * many as configured.
   */
  RUN_ALL
}
