package dev.pgkeeper.internal.job;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which moments are ticks. */
interface Timing {
  Duration FIRST_WINDOW = Duration.ofHours(1);

  /** The first tick after this moment; null if there is none any more. */
  @Nullable Instant next(Instant after);

  /**
   * The ticks after one moment and up to another, the oldest first; of more than so many, the
   * newest. Looks back from the end in windows that grow, so that a job that was not looked at for
   * years costs no more than one of yesterday.
   */
  default List<Instant> between(Instant after, Instant to, int most) {
    Duration window = FIRST_WINDOW;
    while (true) {
      boolean whole = Duration.between(after, to).compareTo(window) <= 0;
      Deque<Instant> ticks = new ArrayDeque<>();
      Instant next = next(whole ? after : to.minus(window));
      while (next != null && !next.isAfter(to)) {
        ticks.add(next);
        if (ticks.size() > most) {
          ticks.removeFirst();
        }
        next = next(next);
      }
      if (whole || ticks.size() == most) {
        return new ArrayList<>(ticks);
      }
      window = window.multipliedBy(4);
    }
  }
}
