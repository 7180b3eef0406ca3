package dev.pgkeeper.line;

import dev.pgkeeper.KeeperException;
import java.time.Duration;

/** Somebody who came to a {@link Meeting}, until it has left. For one thread at a time. */
public interface Attendance {
  /**
   * Waits until all have come. Returns false if they have not in this time; it is still counted on.
   *
   * @throws KeeperException.SessionExpired if the session ended meanwhile
   */
  boolean awaitBeginning(Duration patience) throws InterruptedException;

  /**
   * Withdraws before the round begins. Returns false if it has begun: then there is only leaving.
   */
  boolean withdraw();

  /**
   * Leaves, and waits until all of the round have left or are gone with their sessions. Returns
   * false if they are not in this time. It has left, whatever the others do. Only if the database
   * could not be reached, or the wait was interrupted, it is still to {@link #leaveAlone}.
   */
  boolean leave(Duration patience) throws InterruptedException;

  /** Leaves without waiting. Returns whether all others had left. May be called again. */
  boolean leaveAlone();
}
