package dev.pgkeeper.internal.line;

import dev.pgkeeper.line.LineRequest;
import org.jspecify.annotations.Nullable;

/**
 * A wish to join a line: at the path as the database has it, at once or not at all if it only
 * tries.
 */
record Join(String line, String recipe, int permits, LineRequest request, boolean tries, long key) {
  /** Returns the same request with another key, to be asked again. */
  Join withKey(long another) {
    return new Join(line, recipe, permits, request, tries, another);
  }

  @Nullable Long limitMs() {
    return request.atMost() == null ? null : request.atMost().toMillis();
  }
}
