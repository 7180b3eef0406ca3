package dev.pgkeeper.doctor;

import static dev.pgkeeper.doctor.FindingAssertions.only;
import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.PgBouncer;
import dev.pgkeeper.testing.TcpProxy;
import java.sql.Connection;
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
  void whatOnlyPassesOnIsNoPooler() throws Exception {
    try (TcpProxy proxy = TcpProxy.before(clinic.server().jdbcUrl())) {
      PGSimpleDataSource dataSource =
          Clinic.at(proxy.through(clinic.server().jdbcUrl()) + "&tcpKeepAlive=true");
      dataSource.setUser(Clinic.APPLICATION);
      assertThat(clinic.findings(dataSource)).isEmpty();
    }
  }
}
