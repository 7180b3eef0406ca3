package dev.pgkeeper.internal.observe;

import java.time.Duration;

/** What goes into a flight recording, where the runtime can make one. */
interface FlightRecorder {
  /** A wait that is recorded if it turns out to be long. */
  interface Waiting {
    void end(Wait.End end);
  }

  Waiting waits(long session, String path, String recipe);

  void holdLost(long session, String path, long token);

  void sessionLost(long session, String why);

  void reconnected(long session, Duration away);

  /** A runtime that was put together without {@code jdk.jfr} does without. */
  static FlightRecorder choose() {
    return ModuleLayer.boot().findModule("jdk.jfr").isPresent()
        ? new JdkFlightRecorder()
        : new NoFlightRecorder();
  }
}
