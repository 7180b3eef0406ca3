package dev.pgkeeper;

/**
 * What a client knows of something it holds. Every change is told once.
 *
 * <pre>
 * HELD ⇄ JEOPARDY → LOST        HELD, JEOPARDY → RELEASED
 * HELD → LOST (at its limit, or taken away by an operator)
 * </pre>
 */
public enum HoldState {
  /** It is this client's own. */
  HELD,
  /** The session is in jeopardy: what was held may be somebody else's, or become so. */
  JEOPARDY,
  /**
   * It is not this client's any more, and was not released: lost, taken away, or its keeper was
   * closed. Terminal.
   */
  LOST,
  /** This client gave it back. Terminal. */
  RELEASED;

  public boolean isTerminal() {
    return this == LOST || this == RELEASED;
  }
}
