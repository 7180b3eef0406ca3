package dev.pgkeeper.internal.job;

import java.time.Instant;

/** The clock that decides which ticks are due. */
interface TickClock {
  /** Never later than what it stands for. */
  Instant now();

  /** The database's clock showed this a moment ago. */
  void heard(Instant databaseTime);
}
