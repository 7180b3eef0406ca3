package dev.pgkeeper.internal.job;

import dev.pgkeeper.internal.session.Moment;
import org.jspecify.annotations.Nullable;

/**
 * A run that this session has claimed.
 *
 * @param limit when somebody else may take it over; null: not before the session ends
 */
record Claim(String job, String tick, int attempt, long token, @Nullable Moment limit) {
  @Override
  public String toString() {
    return "job " + job + " at " + tick + ", attempt " + attempt;
  }
}
