package dev.pgkeeper.doctor;

import java.sql.SQLException;

/** Clients that come and go, or live with less than they could. */
final class SessionChecks {
  private static final int OFTEN = 3;
  private static final int VERY_OFTEN = 100;

  private SessionChecks() {}

  private record Client(String name, String host, long times) {}

  static void flapping(Patient patient, Findings findings) throws SQLException {
    if (patient.schemaVersion().isEmpty()) {
      return;
    }
    patient
        .ask(
            """
            SELECT client, host, count(*) FROM %s.past_sessions
            WHERE how = 'expired' AND ended > clock_timestamp() - interval '1 hour'
            GROUP BY client, host HAVING count(*) >= ? ORDER BY count(*) DESC LIMIT 1
            """
                .formatted(patient.schema()),
            row -> new Client(row.getString(1), row.getString(2), row.getLong(3)),
            OFTEN)
        .ifPresent(
            client ->
                findings.warning(
                    "%d sessions of the client %s on %s were not closed but expired within the last hour"
                        .formatted(client.times(), client.name(), client.host()),
                    "Its process was killed so often, or could not reach the database for longer than its grace: see its logs of"
                        + " the moments in %s.past_sessions. Long pauses (garbage collection, a suspended machine) need a longer"
                            .formatted(patient.schema())
                        + " withTimeout, a shaky network a longer withGrace."));
  }

  static void reconnecting(Patient patient, Findings findings) throws SQLException {
    if (patient.schemaVersion().isEmpty()) {
      return;
    }
    patient
        .ask(
            """
            SELECT client, host, reconnects FROM %s.sessions
            WHERE reconnects >= ? AND clock_timestamp() - opened < reconnects * interval '10 minutes'
            ORDER BY reconnects DESC LIMIT 1
            """
                .formatted(patient.schema()),
            row -> new Client(row.getString(1), row.getString(2), row.getLong(3)),
            OFTEN)
        .ifPresent(
            client ->
                findings.warning(
                    "the client %s on %s has lost its connection %d times, more often than every ten minutes"
                        .formatted(client.name(), client.host(), client.times()),
                    "Each time it is in jeopardy until it is back. Something between it and the server ends connections (a pooler, a"
                        + " firewall, pg_terminate_backend), or one of the two machines answers nothing for a second at a time: its log"
                        + " says why with each. See %s.sessions.".formatted(patient.schema())));
  }

  static void shortLived(Patient patient, Findings findings) throws SQLException {
    if (patient.schemaVersion().isEmpty()) {
      return;
    }
    patient
        .ask(
            """
            SELECT client, host, count(*) FROM %s.past_sessions
            WHERE ended > clock_timestamp() - interval '10 minutes' AND ended - opened < interval '10 seconds'
            GROUP BY client, host HAVING count(*) >= ? ORDER BY count(*) DESC LIMIT 1
            """
                .formatted(patient.schema()),
            row -> new Client(row.getString(1), row.getString(2), row.getLong(3)),
            VERY_OFTEN)
        .ifPresent(
            client ->
                findings.warning(
                    "the client %s on %s opened %d sessions of less than ten seconds within the last ten minutes"
                        .formatted(client.name(), client.host(), client.times()),
                    "One Keeper is enough for a process, for as long as it runs: open it at the start, and share it."));
  }

  static void polling(Patient patient, Findings findings) throws SQLException {
    if (patient.schemaVersion().isEmpty()) {
      return;
    }
    patient
        .ask(
            """
            SELECT min(client), min(host), count(*) FROM %s.sessions WHERE connected IS NULL AND alive HAVING count(*) > 0
            """
                .formatted(patient.schema()),
            row -> new Client(row.getString(1), row.getString(2), row.getLong(3)))
        .ifPresent(
            client ->
                findings.warning(
                    "%d clients have no connection of their own (one is %s on %s)"
                        .formatted(client.times(), client.name(), client.host()),
                    "They poll for changes, and what they own outlives them by their timeout instead of their grace. A pooler in"
                        + " transaction mode does that, or a data source that pools and is not Hikari's: give"
                        + " KeeperOptions.withListener a direct connection. It is as it should be where withLeaseOnly was meant."));
  }
}
