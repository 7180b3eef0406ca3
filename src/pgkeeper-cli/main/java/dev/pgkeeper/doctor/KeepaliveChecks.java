package dev.pgkeeper.doctor;

import dev.pgkeeper.internal.jdbc.DriverProperties;
import java.sql.SQLException;
import java.util.Optional;
import java.util.Properties;
import org.postgresql.PGProperty;

/** Whether either end notices that the other one's machine is gone. */
final class KeepaliveChecks {
  private static final long LONGEST_SECONDS = 300;

  private KeepaliveChecks() {}

  static void ofClient(Patient patient, Findings findings) throws SQLException {
    Optional<Properties> properties = DriverProperties.of(patient.dataSource());
    String advice =
        "Add tcpKeepAlive=true to the URL, or socketTimeout with more seconds than the longest statement takes.";
    if (properties.isEmpty()) {
      findings.unknown("the data source does not tell whether it keeps connections alive", advice);
    } else if (!isKeptAlive(properties.get())) {
      findings.warning(
          "connections are opened with neither tcpKeepAlive nor socketTimeout: work in a transaction may wait for ever when the"
              + " server's machine disappears (pgkeeper's own calls have a deadline)",
          advice);
    }
  }

  private static boolean isKeptAlive(Properties properties) throws SQLException {
    return PGProperty.TCP_KEEP_ALIVE.getBoolean(properties)
        || PGProperty.SOCKET_TIMEOUT.getInt(properties) > 0;
  }

  private record Server(boolean isLocal, long idle, long interval, long count, boolean endsIdle) {
    long patience() {
      return idle + interval * count;
    }
  }

  static void ofServer(Patient patient, Findings findings) throws SQLException {
    Server server =
        patient
            .ask(
                """
                SELECT inet_client_addr() IS NULL, current_setting('tcp_keepalives_idle')::bigint,
                  current_setting('tcp_keepalives_interval')::bigint, current_setting('tcp_keepalives_count')::bigint,
                  extract(epoch FROM current_setting('idle_in_transaction_session_timeout')::interval) BETWEEN 0.001 AND ?
                """,
                row ->
                    new Server(
                        row.getBoolean(1),
                        row.getLong(2),
                        row.getLong(3),
                        row.getLong(4),
                        row.getBoolean(5)),
                LONGEST_SECONDS)
            .orElseThrow();
    if (server.isLocal() || server.endsIdle() || server.patience() <= LONGEST_SECONDS) {
      return;
    }
    findings.warning(
        "the server notices only after "
            + Spans.text(server.patience())
            + " that a client's machine is gone (tcp_keepalives_idle "
            + server.idle()
            + ", tcp_keepalives_interval "
            + server.interval()
            + ", tcp_keepalives_count "
            + server.count()
            + "): for so long, a transaction of that client's keeps what it fenced and locked",
        "Set tcp_keepalives_idle = 60, tcp_keepalives_interval = 10 and tcp_keepalives_count = 6 on the server.");
  }
}
