package dev.pgkeeper.proof;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;

/**
 * What a run was asked for.
 *
 * @param server the version of PostgreSQL that everything is tried on
 * @param duration of the mixed work
 * @param output an empty directory for the histories
 */
public record Settings(String server, long seed, Duration duration, Path output) {
  /** Where the processes of a part write down what they did. */
  public Path histories(String part) {
    return output.resolve(part);
  }

  /** For how long a part works that tries one thing at random. */
  public Duration share() {
    return duration.dividedBy(3);
  }

  /** A generator of a part's own, so that a part does the same whether or not others run too. */
  public Random random(String part) {
    return new Random(seed * 31 + part.hashCode());
  }
}
