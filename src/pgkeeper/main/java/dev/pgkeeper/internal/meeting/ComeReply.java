package dev.pgkeeper.internal.meeting;

import dev.pgkeeper.internal.jdbc.Outcome;

/**
 * What the database answers to who has come to a meeting.
 *
 * @param number of whoever came
 * @param isBegun its round has begun with it; else it waits
 */
record ComeReply(long number, boolean isBegun) {
  /** In the row of an outcome, the version says how it stands. */
  static ComeReply of(Outcome came) {
    return new ComeReply(came.number(), came.knownStat().version() == 1);
  }
}
