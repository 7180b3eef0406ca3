package dev.pgkeeper.internal.session;

import java.time.Duration;

/**
 * Until when a client may believe that its session is alive: a span that began before the last
 * confirmed message was sent.
 */
final class BeliefDeadline {
  /** Read by everybody; only the heartbeat's thread writes it, so that no write is lost. */
  private volatile Moment until = new Moment(System.nanoTime() - 1, Long.MIN_VALUE);

  void extendTo(Moment moment) {
    until = moment;
  }

  /** No longer than that from now on, if it was longer. */
  void limitTo(Moment moment) {
    until = until.orEarlier(moment);
  }

  /** How much is left; zero if it is over. */
  Duration left() {
    return until.left();
  }
}
