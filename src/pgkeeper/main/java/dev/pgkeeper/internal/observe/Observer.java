package dev.pgkeeper.internal.observe;

import java.time.Duration;

/**
 * Whoever wants to know what a client does. It is told on the thread that does it, and so must not
 * take long.
 */
public interface Observer {
  /** An operation has its answer, which may be a refusal. */
  default void answered(Operation operation, Duration took) {}

  /** An operation has no answer: the database was away, or did not want it. */
  default void failed(Operation operation, Duration took) {}

  /** A contender may hold, at once or after a wait. */
  default void granted(String recipe) {}

  /** A contender has waited. */
  default void waited(String recipe, Wait.End end, Duration took) {}

  /** A hold is over although nobody released it. */
  default void holdLost() {}

  default void sessionLost() {}

  /** The database was not heard of for too long, or the connection broke. */
  default void jeopardy() {}

  /** The client's own connection is back, and the session with it. */
  default void reconnected(Duration away) {}

  /** This client had its turn at reaping. */
  default void reaped(int sessions, int holds, int nodes) {}

  /** A listener is told now of something that was heard so long ago. */
  default void told(Duration lag) {}

  /** A queue is used for the first time. */
  default void usesQueue(String queue) {}

  /** So many messages went there since the last time. */
  default void counted(QueueCounts counts) {}
}
