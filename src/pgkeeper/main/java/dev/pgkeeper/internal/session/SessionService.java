package dev.pgkeeper.internal.session;

import dev.pgkeeper.SessionState;

/**
 * What lives with a session beside its watches: it is rung and told of the session's states, on the
 * session's thread and so without delay, and swept, on another one.
 */
public interface SessionService {
  /**
   * Somebody rang with this: pgkeeper for one of these, or any role of the database with whatever
   * it likes. What does not name something that is known here is nothing, and leaves nothing. Waits
   * for nothing, because the session's next heartbeat does.
   */
  void rung(String payload);

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
