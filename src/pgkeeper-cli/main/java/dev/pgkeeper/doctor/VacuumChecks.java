package dev.pgkeeper.doctor;

import java.sql.SQLException;
import java.util.Optional;

/** What keeps dead rows from being removed: queues and locks become slower with each of them. */
final class VacuumChecks {
  private static final long MANY_DEAD = 10_000;

  private VacuumChecks() {}

  private record Transactions(long count, long seconds, int pid, String role, String application) {
    String oldest() {
      return "the oldest for %s (pid %d, role %s%s)"
          .formatted(
              Spans.text(seconds),
              pid,
              role,
              application.isBlank() ? "" : ", application " + application);
    }
  }

  static void idleInTransaction(Patient patient, Findings findings) throws SQLException {
    transactions(patient, findings, true)
        .ifPresent(
            open ->
                findings.warning(
                    "%d sessions are idle in a transaction, %s"
                        .formatted(open.count(), open.oldest()),
                    "Their locks and fences are kept and dead rows stay until they end. Find out why the application neither"
                        + " commits nor rolls back; SELECT pg_terminate_backend(%d) ends the oldest, and"
                            .formatted(open.pid())
                        + " idle_in_transaction_session_timeout such ones by itself."));
  }

  static void longTransactions(Patient patient, Findings findings) throws SQLException {
    transactions(patient, findings, false)
        .ifPresent(
            open ->
                findings.warning(
                    "%d transactions have been at work for long, %s"
                        .formatted(open.count(), open.oldest()),
                    "Rows that died meanwhile cannot be removed: queues become slower with each minute. Make the work shorter, or"
                        + " let it run on a standby; SELECT pg_cancel_backend(%d) stops the oldest."
                            .formatted(open.pid())));
  }

  private static Optional<Transactions> transactions(
      Patient patient, Findings findings, boolean idle) throws SQLException {
    if (!patient.seesOthers()) {
      findings.unknown(
          "the role \"%s\" does not see the transactions of others".formatted(patient.role()),
          "Ask as a role that was given pg_monitor.");
      return Optional.empty();
    }
    return patient.ask(
        """
        SELECT count(*) OVER (), extract(epoch FROM clock_timestamp() - xact_start)::bigint, pid, coalesce(usename, ''),
          application_name
        FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
          AND state LIKE 'idle in transaction%' = ? AND xact_start < clock_timestamp() - ? * interval '1 second'
        ORDER BY xact_start LIMIT 1
        """,
        row ->
            new Transactions(
                row.getLong(1), row.getLong(2), row.getInt(3), row.getString(4), row.getString(5)),
        idle,
        patient.longestSeconds());
  }

  private record Prepared(long count, long seconds, String name) {}

  static void preparedTransactions(Patient patient, Findings findings) throws SQLException {
    patient
        .ask(
            """
            SELECT count(*) OVER (), extract(epoch FROM clock_timestamp() - prepared)::bigint, gid
            FROM pg_prepared_xacts
            WHERE database = current_database() AND prepared < clock_timestamp() - ? * interval '1 second'
            ORDER BY prepared LIMIT 1
            """,
            row -> new Prepared(row.getLong(1), row.getLong(2), row.getString(3)),
            patient.longestSeconds())
        .ifPresent(
            prepared ->
                findings.warning(
                    "%d prepared transactions wait for their end, the oldest (%s) for %s"
                        .formatted(
                            prepared.count(), prepared.name(), Spans.text(prepared.seconds())),
                    "They keep their locks and dead rows, also across restarts. Let the transaction manager end them, or"
                        + " ROLLBACK PREPARED '%s'."
                            .formatted(prepared.name().replace("'", "''"))));
  }

  private record Autovacuum(boolean isOn, String without) {}

  static void autovacuum(Patient patient, Findings findings) throws SQLException {
    Autovacuum autovacuum =
        patient
            .ask(
                """
                SELECT current_setting('autovacuum')::boolean AND current_setting('track_counts')::boolean,
                  coalesce((SELECT string_agg(c.relname, ', ' ORDER BY c.relname) FROM pg_class c
                    WHERE c.relnamespace = to_regnamespace(?) AND EXISTS (SELECT FROM pg_options_to_table(c.reloptions) o
                      WHERE o.option_name = 'autovacuum_enabled' AND NOT o.option_value::boolean)), '')
                """,
                row -> new Autovacuum(row.getBoolean(1), row.getString(2)),
                patient.schema())
            .orElseThrow();
    if (!autovacuum.isOn()) {
      findings.error(
          "autovacuum is off: dead rows stay, and queues and locks become slower with each of them",
          "Set autovacuum = on and track_counts = on on the server.");
    } else if (!autovacuum.without().isEmpty()) {
      findings.error(
          "autovacuum is off for tables of pgkeeper's: " + autovacuum.without(),
          "ALTER TABLE %s.TABLE RESET (autovacuum_enabled).".formatted(patient.schema()));
    }
  }

  private record Dead(long tables, String table, long dead, long live) {}

  static void deadRows(Patient patient, Findings findings) throws SQLException {
    patient
        .ask(
            """
            SELECT count(*) OVER (), relname, n_dead_tup, n_live_tup
            FROM pg_stat_all_tables
            WHERE schemaname = ? AND n_dead_tup > ? AND n_dead_tup > n_live_tup
              AND coalesce(greatest(last_vacuum, last_autovacuum), '-infinity') < clock_timestamp() - ? * interval '1 second'
            ORDER BY n_dead_tup DESC LIMIT 1
            """,
            row -> new Dead(row.getLong(1), row.getString(2), row.getLong(3), row.getLong(4)),
            patient.schema(),
            MANY_DEAD,
            patient.longestSeconds())
        .ifPresent(
            dead ->
                findings.warning(
                    "%d tables have more dead rows than live ones, %s most: %d dead, %d live"
                        .formatted(dead.tables(), dead.table(), dead.dead(), dead.live()),
                    "VACUUM %s.%s; if it does not help, something holds back what it may remove: a long transaction, a prepared one,"
                            .formatted(patient.schema(), dead.table())
                        + " a replication slot. If it comes again, autovacuum does not keep up: lower autovacuum_naptime and"
                        + " autovacuum_vacuum_cost_delay."));
  }
}
