package dev.pgkeeper.doctor;

import java.sql.SQLException;

/** Whether this is the primary, and what a promotion of its standbys would mean. */
final class ReplicationChecks {
  private ReplicationChecks() {}

  static void standby(Patient patient, Findings findings) throws SQLException {
    if (!isStandby(patient)) {
      return;
    }
    boolean receives = patient.isTrue("SELECT EXISTS (SELECT FROM pg_stat_wal_receiver)");
    findings.error(
        "this server is a standby"
            + (receives ? "" : ", and nothing of a primary reaches it at the moment")
            + ": nothing can be locked, changed or enqueued here",
        "Connect to the primary: name all servers in the URL, with targetServerType=primary.");
  }

  private static boolean isStandby(Patient patient) throws SQLException {
    return patient.isTrue("SELECT pg_is_in_recovery()");
  }

  static void readOnly(Patient patient, Findings findings) throws SQLException {
    if (patient.isTrue(
        "SELECT NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only')::boolean")) {
      findings.error(
          "default_transaction_read_only is on for this role: nothing can be locked, changed or enqueued",
          "Turn it off for the role, or ask as the role that the application has.");
    }
  }

  private record Standbys(
      long all, long synchronous, long streaming, String wanted, String names, String behind) {}

  static void replication(Patient patient, Findings findings) throws SQLException {
    if (isStandby(patient)) {
      return;
    }
    Standbys standbys =
        patient
            .ask(
                """
                SELECT count(*), count(*) FILTER (WHERE r.sync_state IN ('sync', 'quorum')),
                  count(*) FILTER (WHERE r.state IN ('streaming', 'catchup')),
                  current_setting('synchronous_standby_names'), coalesce(string_agg(r.application_name, ', '), ''),
                  pg_size_pretty(coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), r.flush_lsn)), 0))
                FROM pg_stat_replication r
                WHERE NOT EXISTS (SELECT FROM pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')
                """,
                row ->
                    new Standbys(
                        row.getLong(1),
                        row.getLong(2),
                        row.getLong(3),
                        row.getString(4),
                        row.getString(5),
                        row.getString(6)))
            .orElseThrow();
    if (standbys.all() > 0 && !patient.seesOthers()) {
      findings.unknown(
          "%d standbys or the like are there; the role \"%s\" does not see how they replicate"
              .formatted(standbys.all(), patient.role()),
          "Ask as a role that was given pg_monitor.");
    } else if (!standbys.wanted().isEmpty() && standbys.synchronous() == 0) {
      findings.error(
          "commits wait for a synchronous standby (synchronous_standby_names = %s), and none is connected"
              .formatted(standbys.wanted()),
          "Start the standby or see why it does not reach the primary; until then no grant comes. Whether to go on without it"
              + " is a decision to lose commits at a promotion: clear synchronous_standby_names.");
    } else if (standbys.wanted().isEmpty() && standbys.streaming() > 0) {
      findings.warning(
          "%d standbys (%s) replicate asynchronously, %s behind at the most"
              .formatted(standbys.streaming(), standbys.names(), standbys.behind()),
          "After a promotion the last commits may be missing. Tokens still only grow. But a lock may have been granted, and what"
              + " was fenced by it committed, and both are forgotten: then somebody else holds it, and what was written"
              + " elsewhere meanwhile stays. Messages that were enqueued or acked last may be gone or come again. If that must"
              + " not be, name the standbys in synchronous_standby_names; each commit then waits for one of them.");
    }
  }

  private record Slots(long count, String name, String kept, boolean holdsBack) {}

  static void slots(Patient patient, Findings findings) throws SQLException {
    Slots slots =
        patient
            .ask(
                """
                SELECT count(*), coalesce(min(slot_name), ''), pg_size_pretty(coalesce(max(pg_wal_lsn_diff(
                    CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn)), 0)),
                  coalesce(bool_or(xmin IS NOT NULL), false)
                FROM pg_replication_slots
                WHERE NOT active AND NOT temporary AND (restart_lsn IS NOT NULL OR xmin IS NOT NULL)
                """,
                row ->
                    new Slots(
                        row.getLong(1), row.getString(2), row.getString(3), row.getBoolean(4)))
            .orElseThrow();
    if (slots.count() > 0) {
      findings.warning(
          "%d replication slots are used by nobody (%s), and keep %s of the log"
                  .formatted(slots.count(), slots.name(), slots.kept())
              + (slots.holdsBack() ? "; they also keep dead rows from being removed" : ""),
          "Start the standby that it is for; if there is none any more, SELECT pg_drop_replication_slot('%s')."
              .formatted(slots.name()));
    }
  }

  /** Where it is not told, pgkeeper cannot tell either that commits may have been lost. */
  static void timeline(Patient patient, Findings findings) throws SQLException {
    if (patient.schemaVersion().isEmpty()
        || !patient.isTrue("SELECT timeline IS NULL FROM %s.epochs".formatted(patient.schema()))) {
      return;
    }
    findings.unknown(
        "the server did not tell pgkeeper on which timeline it is, so a promotion that lost commits looks like a restart: tokens"
            + " go on where the clock is, and clients do not look whether what they hold is still theirs",
        "On a service such as Aurora, whose failovers lose no commit, nothing is to be done. Elsewhere let the applications'"
            + " roles call pg_current_wal_lsn(), pg_walfile_name(pg_lsn) and pg_control_system(): GRANT EXECUTE ON FUNCTION"
            + " pg_current_wal_lsn(), pg_walfile_name(pg_lsn), pg_control_system() TO PUBLIC. It counts from the next start of"
            + " the server on.");
  }
}
