package dev.pgkeeper.internal.session;

import java.time.Duration;

/**
 * Until when a client may believe that its session is alive: a span that began before the last
 * confirmed message was sent. It is over as soon as either clock says so. The monotonic one does
 * not run while a machine is suspended; the other one can be set back.
 */
final class Trust {
  private volatile Moment until = new Moment(System.nanoTime() - 1, Long.MIN_VALUE);

  /** A moment on both clocks. */
  record Moment(long nanos, long wallMs) {
    static Moment now() {
      return new Moment(System.nanoTime(), System.currentTimeMillis());
    }

    Moment plus(Duration span) {
      return new Moment(nanos + span.toNanos(), wallMs + span.toMillis());
    }

    boolean isBefore(Moment other) {
      return nanos - other.nanos < 0 && wallMs < other.wallMs;
    }
  }

  void extendTo(Moment moment) {
    until = moment;
  }

  /** How much is left; zero if it is over. */
  Duration left() {
    Moment end = until;
    Moment now = Moment.now();
    if (!now.isBefore(end)) {
      return Duration.ZERO;
    }
    return Duration.ofNanos(
        Math.min(end.nanos - now.nanos, Duration.ofMillis(end.wallMs - now.wallMs).toNanos()));
  }
}
