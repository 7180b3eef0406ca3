package dev.pgkeeper.discovery;

import java.util.concurrent.atomic.AtomicInteger;

/** Whose turn it is. What is kept is the last turn and not a count of them: nothing overflows. */
final class RoundRobin {
  private final AtomicInteger last;

  RoundRobin() {
    this(-1);
  }

  /** Goes on after this turn. */
  RoundRobin(int last) {
    this.last = new AtomicInteger(last);
  }

  /** 0 to {@code number - 1}. */
  int next(int number) {
    return last.updateAndGet(turn -> turn < number - 1 ? turn + 1 : 0);
  }
}
