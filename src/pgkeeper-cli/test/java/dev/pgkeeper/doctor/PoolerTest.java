package dev.pgkeeper.doctor;

import static dev.pgkeeper.doctor.FindingAssertions.among;
import static dev.pgkeeper.doctor.FindingAssertions.only;
import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PgBouncer;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TcpProxy;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** A real PgBouncer in each of its modes. */
class PoolerTest {
  private static Clinic clinic;

  @BeforeAll
  static void open() {
    clinic = Clinic.open();
  }

  @AfterAll
  static void close() {
    clinic.close();
  }

  private static List<Finding> through(PgBouncer bouncer) {
    return clinic.findings(Clinic.at(bouncer.jdbcUrl() + "&tcpKeepAlive=true"));
  }

  @Test
  void sessionModeIsFound() {
    try (PgBouncer bouncer = PgBouncer.start(clinic.server(), "session")) {
      only(through(bouncer), Severity.WARNING, "pooler")
          .isEqualTo("a pooler in session mode is between this client and the server");
    }
  }

  @Test
  void transactionModeIsFound() {
    try (PgBouncer bouncer = PgBouncer.start(clinic.server(), "transaction")) {
      only(through(bouncer), Severity.ERROR, "pooler")
          .isEqualTo("a pooler in transaction mode is between this client and the server");
    }
  }

  @Test
  void transactionModeIsFoundWhileOthersUseThePoolToo() throws Exception {
    try (PgBouncer bouncer = PgBouncer.start(clinic.server(), "transaction");
        Connection other = Clinic.at(bouncer.jdbcUrl()).getConnection()) {
      other.setAutoCommit(false);
      other.createStatement().execute("SELECT 1");
      only(through(bouncer), Severity.ERROR, "pooler").contains("transaction mode");
      other.rollback();
    }
  }

  @Test
  void statementModeIsFound() {
    try (PgBouncer bouncer = PgBouncer.start(clinic.server(), "statement")) {
      only(through(bouncer), Severity.ERROR, "pooler").contains("statement mode");
    }
  }

  @Test
  void aPoolOfOneConnectionIsFoundToBeAPoolThatLeavesNoneForOthers() {
    try (PgBouncer bouncer = PgBouncer.start(clinic.server(), "session", 1)) {
      only(through(bouncer), Severity.UNKNOWN, "pooler")
          .startsWith(
              "a pooler is between this client and the server; its mode could not be found out");
    }
  }

  @Test
  void aPoolerThatTakesAPrimaryForTheStandbyThatItWasIsFound() throws Exception {
    try (PrivateServer primary = PrivateServer.start(Clinic.GOOD_SETTINGS);
        PrivateServer standby = PrivateServer.standbyOf(primary, "standby");
        PgBouncer bouncer = PgBouncer.start(standby, "session")) {
      PGSimpleDataSource through = Clinic.at(bouncer.jdbcUrl());
      assertThat(run(through, "SELECT pg_is_in_recovery()")).isEqualTo("t");
      run(Clinic.at(standby.jdbcUrl()), "SELECT pg_promote()");
      run(
          Clinic.at(standby.jdbcUrl()),
          "SELECT bool_and(pg_terminate_backend(pid)) FROM pg_stat_activity"
              + " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()");
      Await.until("it is a primary", () -> run(through, "SELECT pg_is_in_recovery()").equals("f"));
      among(clinic.findings(through), Severity.ERROR, "remembered_standby")
          .isEqualTo(
              "a pooler on the way says that this server is a standby, and it is the primary");
      bouncer.command("RECONNECT");
      assertThat(clinic.findings(through))
          .extracting(Finding::name)
          .doesNotContain("remembered_standby");
    }
  }

  private static String run(PGSimpleDataSource source, String sql) {
    try (Connection connection = source.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getString(1);
    } catch (SQLException e) {
      return String.valueOf(e.getMessage()); // of a connection that was just ended
    }
  }

  @Test
  void whatOnlyPassesOnIsNoPooler() throws Exception {
    try (TcpProxy proxy = TcpProxy.before(clinic.server().jdbcUrl())) {
      PGSimpleDataSource dataSource =
          Clinic.at(proxy.through(clinic.server().jdbcUrl()) + "&tcpKeepAlive=true");
      dataSource.setUser(Clinic.APPLICATION);
      assertThat(clinic.findings(dataSource)).isEmpty();
    }
  }
}
