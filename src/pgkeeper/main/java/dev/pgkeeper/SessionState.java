package dev.pgkeeper;

/**
 * What a client knows of a session. Every change is told once.
 *
 * <pre>
 * HELD ⇄ JEOPARDY → LOST        HELD, JEOPARDY → CLOSED
 * HELD → LOST (ended by an operator)
 * </pre>
 */
public enum SessionState {
  /** The database confirmed it recently enough to act on. */
  HELD,
  /**
   * A confirmation is overdue or the connection broke. What the session owns may still be its own,
   * but {@link Session#isHeld()} answers no as soon as the database may have given it away.
   */
  JEOPARDY,
  /**
   * The database ended the session, and everything it owned is gone. Terminal for the session; its
   * keeper opens the next one by itself.
   */
  LOST,
  /** Closed by this client. Terminal. */
  CLOSED;

  public boolean isTerminal() {
    return this == LOST || this == CLOSED;
  }
}
