package dev.pgkeeper.proof.client;

import java.time.Duration;

/**
 * How fast a process works, and how often it looks at itself.
 *
 * @param slowness so many times as long it rests after each time
 * @param looks after so long each; zero for never
 */
public record Pace(int slowness, Duration looks) {
  /** As fast as it takes for much to happen in a short time. */
  public static final Pace BRISK = new Pace(1, Duration.ZERO);
}
