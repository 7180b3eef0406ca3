package dev.pgkeeper.internal.session;

import java.time.Duration;

/**
 * A moment on both of this machine's clocks. The monotonic one does not run while the machine is
 * suspended, the other one can be set back: what ends at a moment is over as soon as either says
 * so.
 */
public record Moment(long nanos, long wallMs) {

  public static Moment now() {
    return new Moment(System.nanoTime(), System.currentTimeMillis());
  }

  public Moment plus(Duration span) {
    return new Moment(nanos + span.toNanos(), wallMs + span.toMillis());
  }

  boolean isBefore(Moment other) {
    return nanos - other.nanos < 0 && wallMs < other.wallMs;
  }

  /** This one or the other, whichever is over first by each clock. */
  Moment orEarlier(Moment other) {
    return new Moment(
        nanos - other.nanos < 0 ? nanos : other.nanos, Math.min(wallMs, other.wallMs));
  }

  /** How long it is until then; zero if it is over. */
  public Duration left() {
    Moment now = now();
    if (!now.isBefore(this)) {
      return Duration.ZERO;
    }
    return Duration.ofNanos(
        Math.min(nanos - now.nanos, Duration.ofMillis(wallMs - now.wallMs).toNanos()));
  }
}
