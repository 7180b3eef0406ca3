package dev.pgkeeper.queue;

import java.time.Duration;
import java.util.List;

/**
 * The messages of a queue that are not tried again by themselves.
 *
 * <p>Where there are many, they go some thousand at a time, each time in a transaction of its own.
 * The numbers are right also if a reply was lost; if the database stays away and a call fails, what
 * it had done by then stays done, and it may be made again.
 */
public interface DeadLetters {
  /** The oldest ones, at most this many. */
  List<DeadLetter> list(int most);

  /**
   * Puts these back in their old places, as if they had never been tried, and lets them wait
   * without a time limit. Returns how many of them there were.
   */
  int redrive(long... ids);

  /** Redrives all dead letters. */
  long redriveAll();

  /** Redrives those that died longer ago than this. */
  long redriveOlderThan(Duration age);

  /** Deletes these for good. Returns how many of them there were. */
  int discard(long... ids);

  /** Discards all dead letters. */
  long discardAll();

  /** Discards those that died longer ago than this. */
  long discardOlderThan(Duration age);
}
