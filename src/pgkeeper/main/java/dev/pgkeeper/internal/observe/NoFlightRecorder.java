package dev.pgkeeper.internal.observe;

import java.time.Duration;

/** Records nothing. */
final class NoFlightRecorder implements FlightRecorder {
  @Override
  public Waiting waits(long session, String path, String recipe) {
    return end -> {};
  }

  @Override
  public void holdLost(long session, String path, long token) {}

  @Override
  public void sessionLost(long session, String why) {}

  @Override
  public void reconnected(long session, Duration away) {}
}
