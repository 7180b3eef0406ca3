package dev.pgkeeper.doctor;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.jdbc.Database;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import org.postgresql.PGConnection;

/**
 * Finds a pooler between client and server by what it does, whatever its make. Each server process
 * has a number: a server tells it when a client connects, a pooler then tells one of its own.
 * Whether a connection keeps its server process shows what is pooled.
 */
final class PoolerCheck {
  private static final String SERVER_PROCESS = "SELECT pg_backend_pid()";

  /** A pooler may be busy, and give back the same process by chance. */
  private static final int ROUNDS = 5;

  private static final Duration LONGEST_WAIT = Duration.ofSeconds(5);

  private PoolerCheck() {}

  /** What a client keeps its server process for. */
  private enum Mode {
    CONNECTION,
    TRANSACTION,
    STATEMENT
  }

  static void look(Patient patient, Findings findings) throws SQLException {
    boolean pooled = tellsAnotherProcess(patient);
    Optional<Mode> mode = Optional.empty();
    String failure = "";
    try {
      mode = Optional.of(mode(patient));
    } catch (KeeperException e) {
      failure = String.valueOf(e.getMessage());
    }
    if (mode.isEmpty()) {
      findings.unknown(
          (pooled
                  ? "a pooler is between this client and the server; its mode"
                  : "whether a pooler is there")
              + " could not be found out: "
              + failure,
          "Let the data source have two connections at once.");
    } else if (pooled || mode.get() != Mode.CONNECTION) {
      tell(mode.get(), findings);
    }
  }

  private static boolean tellsAnotherProcess(Patient patient) throws SQLException {
    Connection connection = patient.connection();
    return connection.isWrapperFor(PGConnection.class)
        && connection.unwrap(PGConnection.class).getBackendPID() != serverProcess(connection);
  }

  static int serverProcess(Connection connection) throws SQLException {
    return Patient.ask(connection, SERVER_PROCESS, row -> row.getInt(1)).orElseThrow();
  }

  /**
   * While this connection does nothing, a transaction of another one takes a server process and
   * keeps it. Where this one has another process afterwards, it had none meanwhile.
   */
  private static Mode mode(Patient patient) throws SQLException {
    for (int round = 0; round < ROUNDS; round++) {
      Mode seen = oneRound(patient);
      if (seen != Mode.CONNECTION) {
        return seen;
      }
    }
    return Mode.CONNECTION;
  }

  private static Mode oneRound(Patient patient) throws SQLException {
    int before = serverProcess(patient.connection());
    try (OtherTransaction other = OtherTransaction.begin(patient.database())) {
      OtherTransaction.Processes others = other.processes(LONGEST_WAIT);
      if (others.first() != others.second()) {
        return Mode.STATEMENT;
      }
      int after = serverProcess(patient.connection());
      return after != before ? Mode.TRANSACTION : Mode.CONNECTION;
    } catch (KeeperException e) {
      if (Database.isProtocolViolation(e)) {
        return Mode.STATEMENT; // PgBouncer refuses transactions so
      }
      throw e;
    }
  }

  private static void tell(Mode mode, Findings findings) {
    switch (mode) {
      case CONNECTION ->
          findings.warning(
              "a pooler in session mode is between this client and the server",
              "It works, but each keeper takes one of the pooler's server connections for good, so it needs more of them"
                  + " than there are clients; and only the pooler notices that a client's machine is gone: set its"
                  + " keepalives (PgBouncer: tcp_keepidle, tcp_keepintvl, tcp_keepcnt), or such a client loses what it owns"
                  + " after its timeout instead of its grace. Better, give KeeperOptions.withListener a direct connection.");
      case TRANSACTION ->
          findings.error(
              "a pooler in transaction mode is between this client and the server",
              "LISTEN and session locks do not reach through it: a keeper without another connection polls for changes, and"
                  + " what a killed process owns goes after its timeout (30 s) instead of its grace (2 s). Give"
                  + " KeeperOptions.withListener a direct connection; operations may go on through the pooler. With PgBouncer"
                  + " before 1.21, set prepareThreshold=0 in the URL.");
      case STATEMENT ->
          findings.error(
              "a pooler in statement mode is between this client and the server: it takes no transactions",
              "Fences, inTransaction, jobs and everything else in a transaction fail through it. Connect directly, or through"
                  + " a pool in session mode.");
    }
  }
}
