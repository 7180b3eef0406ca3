package dev.pgkeeper.internal.session;

import dev.pgkeeper.SessionState;

/**
 * What lives with a session: its watches, lines, meetings and queues. It is rung and told of the
 * session's states, on the session's thread and so without delay, and looks at the database on
 * another one, see {@link Looks}.
 */
public interface SessionService {
  /**
   * Somebody rang with this: pgkeeper for one of these, or any role of the database with whatever
   * it likes. What does not name something that is known here is nothing, and leaves nothing. Waits
   * for nothing, because the session's next heartbeat does.
   */
  void rung(String payload);

  /** Returns whether {@link #look} has something to find out. */
  default boolean isBehind() {
    return false;
  }

  /** Finds out what it was rung for. What fails is behind still, and is looked at again. */
  default void look(Caller caller) {}

  /** Finds out, where no rings are heard, everything that was committed until now. */
  default void catchUp(Caller caller) {}

  /** Whether there is nothing that a sweep could find out. */
  boolean isIdle();

  /**
   * Compares what it knows with what is there: now and then, and after each break of the
   * connection.
   */
  void sweep(Caller caller);

  /** The connection is back after a break, perhaps because the server is back after a crash. */
  void returned(Caller caller);

  void told(SessionState state);
}
