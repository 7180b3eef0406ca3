package dev.pgkeeper.doctor;

import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;

/** How far the clocks of client and server are apart. */
final class ClockCheck {
  private static final Duration MOST = Duration.ofSeconds(1);

  private ClockCheck() {}

  static void look(Patient patient, Findings findings) throws SQLException {
    Instant asked = patient.clock().instant();
    Instant servers =
        patient
            .ask(
                "SELECT clock_timestamp()",
                row -> row.getObject(1, OffsetDateTime.class).toInstant())
            .orElseThrow();
    Instant answered = patient.clock().instant();
    // the server's moment was somewhere between the two
    Duration ahead = Duration.between(servers, asked);
    Duration behind = Duration.between(answered, servers);
    if (ahead.compareTo(MOST) > 0) {
      tell(ahead, "ahead of", findings);
    } else if (behind.compareTo(MOST) > 0) {
      tell(behind, "behind", findings);
    }
  }

  private static void tell(Duration difference, String which, Findings findings) {
    findings.warning(
        "this machine's clock is %.1f s %s the server's"
            .formatted(difference.toMillis() / 1000.0, which),
        "Nothing of pgkeeper's depends on it, since it goes by the server's clock alone; but times in this machine's logs are"
            + " not those in the views. Let both follow NTP.");
  }
}
