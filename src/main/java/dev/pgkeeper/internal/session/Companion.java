package dev.pgkeeper.internal.session;

import dev.pgkeeper.SessionState;
import java.util.Collection;

/**
 * What lives with a session beside its watches: it is rung and told of the session's states, on the
 * session's thread and so without delay, and swept, on another one.
 */
public interface Companion {
  /**
   * Somebody rang with these; whose they are is told by how they begin. Waits for nothing, because
   * the session's next heartbeat does.
   */
  void rung(Collection<String> payloads);

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
