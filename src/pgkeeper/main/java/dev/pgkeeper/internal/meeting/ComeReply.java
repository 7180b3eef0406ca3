package dev.pgkeeper.internal.meeting;

import dev.pgkeeper.internal.jdbc.Outcome;

/**
 * What the database answers to who has come to a meeting.
 *
 * @param number of whoever came
 * @param isBegun its round has begun with it; else it waits
 */
record ComeReply(long number, boolean isBegun) {
  static ComeReply of(Outcome came) {
    return new ComeReply(came.number(), came.granted());
  }
}
