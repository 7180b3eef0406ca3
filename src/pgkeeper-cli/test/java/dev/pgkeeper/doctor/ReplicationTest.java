package dev.pgkeeper.doctor;

import static dev.pgkeeper.doctor.FindingAssertions.among;
import static dev.pgkeeper.doctor.FindingAssertions.only;
import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** A primary with a real standby. */
class ReplicationTest {

  @Test
  void whatAStandbyIsWorthIsTold() {
    try (Clinic clinic = Clinic.open();
        PrivateServer standby = PrivateServer.standbyOf(clinic.server(), "second")) {
      awaitStandby(clinic, "async");
      only(clinic.findings(), Severity.WARNING, "replication")
          .matches(
              "1 standbys \\(second\\) replicate asynchronously, \\d+ \\w+ behind at the most");

      clinic.database().execute("REVOKE pg_monitor FROM app");
      among(clinic.findings(), Severity.UNKNOWN, "replication")
          .startsWith("1 standbys or the like are there; the role \"app\" does not see");
      clinic.database().execute("GRANT pg_monitor TO app");

      theStandbyItself(clinic, standby);

      clinic.database().execute("ALTER SYSTEM SET synchronous_standby_names = 'second'");
      clinic.database().execute("SELECT pg_reload_conf()");
      awaitStandby(clinic, "sync");
      assertThat(clinic.findings()).isEmpty();

      clinic.database().execute("ALTER ROLE app SET synchronous_commit = local");
      only(clinic.findings(), Severity.WARNING, "synchronous_commit")
          .startsWith("synchronous_commit is local for this role");
      clinic.database().execute("ALTER ROLE app RESET ALL");

      standby.stopFast();
      awaitStandby(clinic, null);
      only(clinic.findings(), Severity.ERROR, "replication")
          .isEqualTo(
              "commits wait for a synchronous standby (synchronous_standby_names = second), and none is connected");
    }
  }

  private static void theStandbyItself(Clinic clinic, PrivateServer standby) {
    PGSimpleDataSource dataSource = Clinic.at(standby.jdbcUrl() + "&tcpKeepAlive=true");
    dataSource.setUser(Clinic.APPLICATION);
    List<Finding> findings = clinic.findings(dataSource);
    only(findings, Severity.ERROR, "standby")
        .isEqualTo("this server is a standby: nothing can be locked, changed or enqueued here");

    clinic.server().stopFast();
    Await.until(
        "the standby is told to have lost its primary",
        () ->
            clinic.findings(dataSource).stream()
                .anyMatch(
                    finding ->
                        finding
                            .found()
                            .contains(
                                "standby, and nothing of a primary reaches it at the moment")));
    clinic.server().startAgain();
    awaitStandby(clinic, "async");
  }

  /** Waits until the primary counts it so; null: not at all. */
  private static void awaitStandby(Clinic clinic, String state) {
    String counted =
        "SELECT coalesce(string_agg(sync_state, ' '), 'none') FROM pg_stat_replication WHERE state = 'streaming' OR"
            + (state == null ? " true" : " false");
    Await.until(
        "the standby is " + state,
        () -> clinic.database().queryString(counted).equals(state == null ? "none" : state));
  }
}
