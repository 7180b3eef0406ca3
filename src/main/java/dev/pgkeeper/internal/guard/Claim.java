package dev.pgkeeper.internal.guard;

import org.jspecify.annotations.Nullable;

/**
 * A run that this session has claimed.
 *
 * @param limit the {@link System#nanoTime} after which it may be somebody else's; null: only when
 *     the session ends
 */
record Claim(String job, String tick, int attempt, long token, @Nullable Long limit) {
  @Override
  public String toString() {
    return "job " + job + " at " + tick + ", attempt " + attempt;
  }
}
