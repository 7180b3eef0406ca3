package dev.pgkeeper.internal.job;

import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import org.jspecify.annotations.Nullable;

/**
 * What a run is for.
 *
 * @param kind as in {@code job_run}: t a time, x a text, a so long after another run, m by hand
 * @param time for kind t
 * @param after for kind a, the token of the run that it comes after
 */
record Tick(String text, String kind, @Nullable Instant time, @Nullable Long after) {

  static Tick at(Instant time) {
    return new Tick(time.toString(), "t", time, null);
  }

  /** A text that is an instant or a date counts as a time. */
  static Tick of(String text) {
    try {
      return text.endsWith("Z")
          ? new Tick(text, "t", Instant.parse(text), null)
          : new Tick(
              text, "t", LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant(), null);
    } catch (DateTimeParseException e) {
      return new Tick(text, "x", null, null);
    }
  }

  static Tick after(long token) {
    return new Tick("after-" + token, "a", null, token);
  }

  /** One that has a row: what kind it is, that row says. */
  static Tick found(String text) {
    return new Tick(text, "m", null, null);
  }
}
