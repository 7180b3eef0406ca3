package dev.pgkeeper.internal.line;

import dev.pgkeeper.Ask;
import org.jspecify.annotations.Nullable;

/**
 * A wish to join a line: at the path as the database has it, at once or not at all if it only
 * tries.
 */
record Join(String line, String recipe, int permits, Ask ask, boolean tries, long key) {
  /** The same, to be asked again. */
  Join withKey(long another) {
    return new Join(line, recipe, permits, ask, tries, another);
  }

  @Nullable Long limitMs() {
    return ask.atMost() == null ? null : ask.atMost().toMillis();
  }
}
