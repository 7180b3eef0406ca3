package dev.pgkeeper.doctor;

import java.sql.SQLException;
import org.postgresql.PGConnection;

/** What the server has only so much of. */
final class ServerChecks {
  private static final double MUCH_OF_THE_QUEUE = 0.05;
  private static final int MANY_PERCENT = 80;

  /** A tenth of what it is by default. What is called all the time costs a thousand at most. */
  private static final double CHEAP_TO_COMPILE = 10_000;

  private ServerChecks() {}

  static void notificationQueue(Patient patient, Findings findings) throws SQLException {
    double used =
        patient.ask("SELECT pg_notification_queue_usage()", row -> row.getDouble(1)).orElseThrow();
    if (used > MUCH_OF_THE_QUEUE) {
      findings.error(
          "the queue of notifications is %.0f %% full; once it is full, no transaction that notifies can commit"
              .formatted(used * 100),
          "Some session that listens has been in a transaction for long, which keeps the queue from being emptied: find it in"
              + " pg_stat_activity by its xact_start and end it with pg_terminate_backend.");
    }
  }

  static void compiledPlans(Patient patient, Findings findings) throws SQLException {
    double above =
        patient
            .ask(
                """
                SELECT CASE WHEN current_setting('jit')::boolean AND pg_jit_available()
                  THEN current_setting('jit_above_cost')::double precision ELSE -1 END
                """,
                row -> row.getDouble(1))
            .orElseThrow();
    if (above >= 0 && above < CHEAP_TO_COMPILE) {
      findings.warning(
          "the server compiles plans (JIT) from a cost of %.0f on".formatted(above),
          "To compile a short statement takes fifty times as long as to run it, each time. Set jit_above_cost to 100000, its"
              + " default, or jit = off for the role \"%s\".".formatted(patient.role()));
    }
  }

  /** Drivers ask no further where targetServerType is given. */
  static void rememberedStandby(Patient patient, Findings findings) throws SQLException {
    if (!patient.connection().isWrapperFor(PGConnection.class)) {
      return;
    }
    String told =
        patient.connection().unwrap(PGConnection.class).getParameterStatus("in_hot_standby");
    if ("on".equals(told) && !patient.isTrue("SELECT pg_is_in_recovery()")) {
      findings.error(
          "a pooler on the way says that this server is a standby, and it is the primary",
          "It remembers what the server said before it was promoted, and with targetServerType=primary in the URL no client gets"
              + " in. Have PgBouncer forget it: RECONNECT on its console, after each failover.");
    }
  }

  static void loggedParameters(Patient patient, Findings findings) throws SQLException {
    String role = patient.role();
    patient
        .ask(
            """
            SELECT concat_ws(', ',
              CASE WHEN current_setting('log_statement') IN ('mod', 'all') THEN 'log_statement = ' || current_setting('log_statement') END,
              CASE WHEN current_setting('log_min_duration_statement') <> '-1'
                THEN 'log_min_duration_statement = ' || current_setting('log_min_duration_statement') END,
              CASE WHEN current_setting('log_min_duration_sample') <> '-1'
                THEN 'log_min_duration_sample = ' || current_setting('log_min_duration_sample') END)
            WHERE current_setting('log_parameter_max_length') <> '0'
            """,
            row -> row.getString(1))
        .filter(settings -> !settings.isEmpty())
        .ifPresent(
            settings ->
                findings.warning(
                    "the server writes into its log what statements were called with, payloads included: "
                        + settings,
                    "ALTER ROLE \"%s\" SET log_parameter_max_length = 0 (as a superuser) keeps them out, and the statements in."
                        .formatted(role)));
  }

  private record Connections(long used, long available) {}

  static void connections(Patient patient, Findings findings) throws SQLException {
    Connections connections =
        patient
            .ask(
                """
                SELECT sum(numbackends), current_setting('max_connections')::bigint
                  - current_setting('superuser_reserved_connections')::bigint
                  - coalesce(current_setting('reserved_connections', true)::bigint, 0)
                FROM pg_stat_database
                """,
                row -> new Connections(row.getLong(1), row.getLong(2)))
            .orElseThrow();
    if (connections.used() * 100 > connections.available() * MANY_PERCENT) {
      findings.warning(
          "%d of %d connections are in use".formatted(connections.used(), connections.available()),
          "A client that reconnects and finds none left loses its session after the grace. Raise max_connections, or let the"
              + " applications' pools be smaller: a keeper needs one connection of its own and one of the pool at a time.");
    }
  }
}
