package dev.pgkeeper.internal.observe;

import java.time.Duration;

/** A contender's wait for its turn. */
public final class Wait {
  /** What became of it. */
  public enum End {
    GRANTED,
    /** The contender went, because its time was over or it changed its mind. */
    GIVEN_UP,
    /** The contender was taken out of the line, for example with its session. */
    LOST
  }

  private final Observation observation;
  private final String recipe;
  private final FlightRecorder.Waiting recorded;
  private final long began = System.nanoTime();

  Wait(Observation observation, String recipe, FlightRecorder.Waiting recorded) {
    this.observation = observation;
    this.recipe = recipe;
    this.recorded = recorded;
  }

  /** To be called once. */
  public void end(End end) {
    recorded.end(end);
    observation.waited(recipe, end, Duration.ofNanos(System.nanoTime() - began));
  }
}
