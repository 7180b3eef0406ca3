package dev.pgkeeper.doctor;

import static dev.pgkeeper.doctor.FindingAssertions.among;
import static dev.pgkeeper.doctor.FindingAssertions.only;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Servers that were badly configured, or have too little of something. */
class BadServerTest {

  @Test
  void aServerThatMayLoseWhatWasCommittedIsFound() {
    try (Clinic clinic =
        Clinic.open(Map.of("fsync", "off", "full_page_writes", "off", "autovacuum", "off"))) {
      List<Finding> findings = clinic.findings();
      assertThat(findings).hasSize(3);
      among(findings, Severity.ERROR, "fsync").startsWith("fsync is off");
      among(findings, Severity.WARNING, "full_page_writes").startsWith("full_page_writes is off");
      among(findings, Severity.ERROR, "autovacuum").startsWith("autovacuum is off: dead rows stay");
      assertThat(findings.get(2).severity()).isEqualTo(Severity.WARNING); // the worst first
    }
  }

  @Test
  void connectionsThatAreAboutToRunOutAreFound() throws Exception {
    List<Connection> others = new ArrayList<>();
    try (Clinic clinic = Clinic.open(Map.of("max_connections", "23"))) {
      try {
        for (int i = 0; i < 14; i++) {
          others.add(clinic.application().getConnection());
        }
        Await.until(() -> "silence: " + clinic.findings(), () -> clinic.findings().isEmpty());
        others.add(clinic.application().getConnection());
        others.add(clinic.application().getConnection());
        only(clinic.findings(), Severity.WARNING, "connections")
            .matches("1[78] of 20 connections are in use");
      } finally {
        for (Connection other : others) {
          other.close();
        }
      }
    }
  }

  /** With a role's own setting, nothing of it is in the log any more. */
  @Test
  void aServerThatLogsPayloadsIsFound() throws Exception {
    try (Clinic clinic = Clinic.open(Map.of("log_min_duration_statement", "0"))) {
      only(clinic.findings(), Severity.WARNING, "logged_parameters")
          .endsWith("payloads included: log_min_duration_statement = 0");
      String payload = "a-payload-in-the-log";
      create(clinic, "/logged", payload);
      assertThat(Files.readString(clinic.server().logFile())).contains(hex(payload));
      clinic.database().execute("ALTER ROLE app SET log_parameter_max_length = 0");
      assertThat(clinic.findings()).isEmpty();
      String other = "a-payload-that-is-not";
      create(clinic, "/not-logged", other);
      assertThat(Files.readString(clinic.server().logFile()))
          .doesNotContain(hex(other))
          .doesNotContain(other);
    }
  }

  private static void create(Clinic clinic, String path, String payload) {
    try (Keeper keeper = clinic.keeper()) {
      keeper.tree().create(path, payload.getBytes(StandardCharsets.UTF_8));
    }
  }

  private static String hex(String payload) {
    return HexFormat.of().formatHex(payload.getBytes(StandardCharsets.UTF_8));
  }

  /** The binaries that the tests bring along compile nothing; a distribution's do. */
  @Test
  void aServerThatCompilesCheapPlansIsFoundIfItCan() throws Exception {
    try (Clinic clinic = Clinic.open(Map.of("jit_above_cost", "100"))) {
      if (clinic.database().queryString("SELECT pg_jit_available()::text").equals("true")) {
        only(clinic.findings(), Severity.WARNING, "jit")
            .startsWith("the server compiles plans (JIT) from a cost of 100 on");
      } else {
        assertThat(clinic.findings()).isEmpty();
      }
    }
  }

  @Test
  void aQueueOfNotificationsThatIsNotEmptiedIsFound() throws Exception {
    int major = PrivateServer.major();
    assumeThat(major)
        .as("a small queue can be had from PostgreSQL 17 on")
        .isGreaterThanOrEqualTo(17);
    try (Clinic clinic = Clinic.open(Map.of("max_notify_queue_pages", "64"));
        Connection stuck = clinic.application().getConnection();
        Statement statement = stuck.createStatement()) {
      statement.execute("LISTEN anything");
      stuck.setAutoCommit(false);
      statement.execute("SELECT 1");
      clinic
          .database()
          .execute(
              "SELECT pg_notify('anything', repeat('x', 7000) || n) FROM generate_series(1, 12) n");
      only(clinic.findings(), Severity.ERROR, "notification_queue")
          .matches("the queue of notifications is (1[5-9]|2\\d) % full; once .*");
      stuck.rollback();
    }
  }
}
