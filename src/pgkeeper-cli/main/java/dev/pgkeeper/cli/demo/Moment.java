package dev.pgkeeper.cli.demo;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** A point in time that two processes of one machine can compare: nanoseconds of its clock. */
record Moment(long epochNanos) {
  static Moment now() {
    return new Moment(ChronoUnit.NANOS.between(Instant.EPOCH, Instant.now()));
  }

  static Moment parse(String text) {
    return new Moment(Long.parseLong(text));
  }

  Duration until(Moment later) {
    return Duration.ofNanos(later.epochNanos - epochNanos);
  }

  @Override
  public String toString() {
    return Long.toString(epochNanos);
  }
}
