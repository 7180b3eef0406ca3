package dev.pgkeeper.doctor;

import static dev.pgkeeper.doctor.FindingAssertions.among;
import static dev.pgkeeper.doctor.FindingAssertions.only;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.migration.Migrations;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Futures;
import dev.pgkeeper.testing.KeeperProcess;
import dev.pgkeeper.testing.SessionLog;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;
import org.postgresql.ds.PGSimpleDataSource;

/** Faults of sessions, transactions, rights and settings on a server that is well otherwise. */
class DoctorTest {

  private static Clinic clinic;

  @BeforeAll
  static void open() {
    clinic = Clinic.open();
  }

  @AfterAll
  static void close() {
    clinic.close();
  }

  @Test
  void whereNothingIsWrongItIsSilent() {
    try (Keeper keeper = clinic.keeper()) {
      keeper.tree().create("/healthy", new byte[0]);
      Examination examination = Doctor.examine(clinic.application(), clinic.doctorOptions());
      assertThat(examination.findings()).isEmpty();
      assertThat(examination.isHealthy()).isTrue();
      assertThat(examination.schemaVersion()).isEqualTo(Migrations.latest());
      assertThat(examination.clientVersion()).isEqualTo(Migrations.latest());
      assertThat(examination.server()).matches("\\d+\\.\\d+.*");
    }
  }

  @Test
  void itLeavesNothingBehind() {
    String left =
        "SELECT (SELECT count(*) FROM ${schema}.session) + (SELECT count(*) FROM ${schema}.past_session)"
            + " + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')";
    long before = clinic.database().queryLong(left);
    clinic.findings();
    assertThat(clinic.database().queryLong(left)).isEqualTo(before);
  }

  @Test
  void aDatabaseThatIsAwayIsAnExceptionNotAFinding() {
    PGSimpleDataSource nowhere = Clinic.at("jdbc:postgresql://127.0.0.1:1/postgres?user=postgres");
    assertThatThrownBy(() -> Doctor.examine(nowhere, clinic.doctorOptions()))
        .isInstanceOf(KeeperException.ConnectionLoss.class);
  }

  @Test
  void aRoleIsToldWhatItDoesNotSee() {
    clinic.role("blind");
    clinic.database().execute("CALL ${schema}.grant_application('blind')");
    List<Finding> blind = clinic.findings(clinic.as("blind"));
    assertThat(blind)
        .extracting(Finding::name)
        .containsExactlyInAnyOrder("idle_in_transaction", "long_transactions");
    among(blind, Severity.UNKNOWN, "idle_in_transaction").contains("\"blind\"");
    assertThat(Doctor.examine(clinic.as("blind"), clinic.doctorOptions()).isHealthy()).isTrue();
  }

  @Test
  void aRoleThatWasNotLetInIsToldSoForEachThingThatItMayNotAsk() {
    clinic.role("somebody_else");
    List<Finding> strange = clinic.findings(clinic.as("somebody_else"));
    assertThat(strange).allMatch(finding -> finding.severity() == Severity.UNKNOWN);
    among(strange, Severity.UNKNOWN, "schema_version").contains("permission denied");
    assertThat(strange)
        .extracting(Finding::name)
        .contains("flapping_sessions", "short_sessions", "polling_sessions");
    assertThat(strange.get(0).advice()).contains(".grant_inspector(");
  }

  @Test
  void anInspectorSeesWhatIsWrongWithSessions() {
    clinic.role("inspector");
    clinic.database().execute("GRANT pg_monitor TO inspector");
    clinic.database().execute("CALL ${schema}.grant_inspector('inspector')");
    assertThat(clinic.findings(clinic.as("inspector"))).isEmpty();
    clinic.database().execute("CALL ${schema}.grant_application('inspector')");
    try (Keeper polling = Keeper.connect(clinic.application(), clinic.options().withLeaseOnly())) {
      clinic.database().execute("CALL ${schema}.grant_inspector('inspector')");
      only(clinic.findings(clinic.as("inspector")), Severity.WARNING, "polling_sessions")
          .startsWith("1 clients have no connection of their own");
      assertThat(polling.session().isHeld()).isTrue();
    }
  }

  @Test
  void aSessionThatIsIdleInATransactionIsFound() throws Exception {
    try (Connection idle = clinic.application().getConnection();
        Statement statement = idle.createStatement()) {
      idle.setAutoCommit(false);
      statement.execute("SET application_name = 'forgetful'");
      assertThat(clinic.findings()).isEmpty(); // as short as that it does no harm
      only(clinic.findingsAtOnce(), Severity.WARNING, "idle_in_transaction")
          .startsWith("1 sessions are idle in a transaction, the oldest for ")
          .contains("role app", "application forgetful");
    }
  }

  @Test
  void aLongTransactionIsFound() throws Exception {
    try (Connection busy = clinic.application().getConnection();
        Statement statement = busy.createStatement()) {
      CompletableFuture<Boolean> work =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return statement.execute("SELECT pg_sleep(600)");
                } catch (SQLException e) {
                  return false;
                }
              });
      try {
        Await.until(
            "the long statement runs",
            () ->
                clinic
                        .database()
                        .queryLong(
                            "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)' AND state = 'active'")
                    == 1);
        assertThat(clinic.findings()).isEmpty();
        only(clinic.findingsAtOnce(), Severity.WARNING, "long_transactions")
            .startsWith("1 transactions have been at work for long");
      } finally {
        statement.cancel();
        work.get();
      }
    }
  }

  @Test
  void aPreparedTransactionThatNobodyEndsIsFound() {
    clinic.database().execute("BEGIN; CREATE TABLE t (); PREPARE TRANSACTION 'forgotten'");
    try {
      assertThat(clinic.findings()).isEmpty();
      only(clinic.findingsAtOnce(), Severity.WARNING, "prepared_transactions")
          .startsWith("1 prepared transactions wait for their end, the oldest (forgotten) for ");
    } finally {
      clinic.database().execute("ROLLBACK PREPARED 'forgotten'");
    }
  }

  @Test
  void aReplicationSlotThatNobodyUsesIsFound() {
    clinic.database().execute("SELECT pg_create_physical_replication_slot('old_standby', true)");
    try {
      only(clinic.findings(), Severity.WARNING, "replication_slots")
          .startsWith("1 replication slots are used by nobody (old_standby), and keep ");
    } finally {
      clinic.database().execute("SELECT pg_drop_replication_slot('old_standby')");
    }
  }

  @Test
  void deadRowsThatNobodyRemovesAreFoundAndThatATableHasNoAutovacuum() {
    clinic.database().execute("ALTER TABLE ${schema}.message SET (autovacuum_enabled = off)");
    try {
      only(clinic.findings(), Severity.ERROR, "autovacuum").endsWith(": message");
      clinic
          .database()
          .execute("CREATE TABLE ${schema}.scratch (n integer) WITH (autovacuum_enabled = off)");
      clinic.database().execute("INSERT INTO ${schema}.scratch SELECT generate_series(1, 20000)");
      clinic.database().execute("DELETE FROM ${schema}.scratch");
      Await.until(
          "the statistics count the dead",
          () -> {
            clinic.database().execute("SELECT"); // a server of 14 counts at the next statement
            return clinic.findings().stream()
                .anyMatch(finding -> finding.name().equals("dead_rows"));
          });
      among(clinic.findings(), Severity.WARNING, "dead_rows")
          .isEqualTo(
              "1 tables have more dead rows than live ones, scratch most: 20000 dead, 0 live");
      clinic.database().execute("VACUUM ${schema}.scratch");
      Await.until(
          "nothing is dead after a vacuum",
          () ->
              clinic.findings().stream().noneMatch(finding -> finding.name().equals("dead_rows")));
    } finally {
      clinic.database().execute("ALTER TABLE ${schema}.message RESET (autovacuum_enabled)");
      clinic.database().execute("DROP TABLE IF EXISTS ${schema}.scratch");
    }
  }

  @Test
  void sessionsThatExpireAgainAndAgainAreFound() throws Exception {
    try {
      for (int i = 0; i < 3; i++) {
        clinic.keeper().close(); // which is as it should be
      }
      for (int i = 0; i < 3; i++) {
        assertThat(clinic.findings()).isEmpty();
        long session;
        try (KeeperProcess process =
            KeeperProcess.start(
                clinic.database(), clinic.options().withGrace(Duration.ofMillis(300)))) {
          session = process.session();
        }
        endedSession(session);
      }
      only(clinic.findings(), Severity.WARNING, "flapping_sessions")
          .startsWith("3 sessions of the client pgkeeper on ")
          .endsWith("were not closed but expired within the last hour");
    } finally {
      clinic.database().execute("DELETE FROM ${schema}.past_session");
    }
  }

  @Test
  void aSessionThatLosesItsConnectionAgainAndAgainIsFoundAndCountedInItsRow() {
    try (Keeper flapping = clinic.keeper()) {
      for (int i = 1; i <= 3; i++) {
        assertThat(clinic.findings()).isEmpty();
        SessionLog.reconnect(clinic.database(), flapping);
        int times = i;
        Await.until("it is counted", () -> reconnects(flapping) == times);
      }
      only(clinic.findings(), Severity.WARNING, "reconnecting_sessions")
          .startsWith("the client pgkeeper on ")
          .endsWith("has lost its connection 3 times, more often than every ten minutes");
    }
  }

  private static long reconnects(Keeper keeper) {
    return clinic
        .database()
        .queryLong(
            "SELECT reconnects FROM ${schema}.sessions WHERE session = " + keeper.session().id());
  }

  /** Its process was killed: this one reaps what it left. */
  private static void endedSession(long session) {
    try (Keeper reaper = clinic.keeper()) {
      Await.until(
          "session " + session + " has ended",
          () ->
              clinic
                      .database()
                      .queryLong(
                          "SELECT count(*) FROM ${schema}.past_sessions WHERE how = 'expired' AND session = "
                              + session)
                  == 1);
      assertThat(reaper.session().isHeld()).isTrue();
    }
  }

  @Test
  void aClientThatOpensASessionForEachThingItDoesIsFound() {
    try {
      for (int i = 0; i < 99; i++) {
        openAndEnd();
      }
      assertThat(clinic.findings()).isEmpty();
      openAndEnd();
      only(clinic.findings(), Severity.WARNING, "short_sessions")
          .isEqualTo(
              "the client cron on host1 opened 100 sessions of less than ten seconds within the last ten minutes");
    } finally {
      clinic.database().execute("DELETE FROM ${schema}.past_session");
    }
  }

  private static void openAndEnd() {
    long session =
        clinic
            .database()
            .queryLong("SELECT ${schema}.session_open(30000, 2000, false, 'cron', 'host1', 7)");
    clinic.database().execute("SELECT ${schema}.session_end(" + session + ")");
  }

  @Test
  void aClientThatHasNoConnectionOfItsOwnIsFound() {
    try (Keeper polling = Keeper.connect(clinic.application(), clinic.options().withLeaseOnly())) {
      assertThat(polling.session().isHeld()).isTrue();
      only(clinic.findings(), Severity.WARNING, "polling_sessions")
          .startsWith("1 clients have no connection of their own (one is pgkeeper on ");
    }
  }

  @Test
  void aClockThatIsWrongIsFound() {
    assertThat(clinic.findingsBy(Clock.offset(Clock.systemUTC(), Duration.ofMillis(900))))
        .isEmpty();
    only(
            clinic.findingsBy(Clock.offset(Clock.systemUTC(), Duration.ofSeconds(90))),
            Severity.WARNING,
            "clock")
        .matches("this machine's clock is (89|90)\\.\\d s ahead of the server's");
    only(
            clinic.findingsBy(Clock.offset(Clock.systemUTC(), Duration.ofSeconds(-5))),
            Severity.WARNING,
            "clock")
        .matches("this machine's clock is [45]\\.\\d s behind the server's");
  }

  @Test
  void anApplicationThatRunsAsASuperuserIsFound() {
    PGSimpleDataSource superuser = clinic.as("postgres");
    assertThat(clinic.findings(superuser)).isEmpty(); // only looks
    try (Keeper keeper = Keeper.connect(superuser, clinic.options())) {
      assertThat(keeper.session().isHeld()).isTrue();
      only(clinic.findings(), Severity.WARNING, "strong_roles").endsWith(": postgres (superuser)");
    }
  }

  @Test
  void anApplicationThatOwnsTheSchemaIsFoundByWhoeverMaySeeThat() {
    clinic.role("founder");
    clinic.database().execute("ALTER SCHEMA ${schema} OWNER TO founder");
    try {
      clinic.database().execute("INSERT INTO ${schema}.grantee VALUES ('founder', 'application')");
      only(clinic.findings(clinic.as("postgres")), Severity.WARNING, "strong_roles")
          .endsWith(": founder (owns the schema)");
    } finally {
      clinic.database().execute("DELETE FROM ${schema}.grantee WHERE role = 'founder'");
      clinic.database().execute("ALTER SCHEMA ${schema} OWNER TO postgres");
      clinic.database().execute("SELECT ${schema}.grant_all()");
    }
  }

  @Test
  void rightsOfEverybodyInTheSchemaAreFound() {
    clinic.database().execute("GRANT USAGE ON SCHEMA ${schema} TO PUBLIC");
    clinic.database().execute("GRANT SELECT ON ${schema}.node TO PUBLIC");
    clinic.database().execute("GRANT CREATE ON SCHEMA ${schema} TO pg_signal_backend");
    only(clinic.findings(), Severity.WARNING, "public_rights")
        .isEqualTo(
            "everybody (PUBLIC) has rights in pgkeeper's schema: USAGE on it, and some on 1 tables and 0 functions;"
                + " besides its owner, these may create things in it: pg_signal_backend");
    clinic.database().execute("REVOKE CREATE ON SCHEMA ${schema} FROM pg_signal_backend");
    clinic.database().execute("SELECT ${schema}.grant_all()");
    assertThat(clinic.findings()).isEmpty();
    clinic.database().execute("GRANT EXECUTE ON FUNCTION ${schema}.protocol() TO PUBLIC");
    only(clinic.findings(), Severity.WARNING, "public_rights")
        .endsWith("none on it, and some on 0 tables and 1 functions");
    clinic.database().execute("SELECT ${schema}.grant_all()");
  }

  @Test
  void aSchemaThatIsMissingIsFound() {
    List<Finding> findings =
        Doctor.examine(clinic.application(), clinic.doctorOptions().withSchema("nothing_here"))
            .findings();
    only(findings, Severity.ERROR, "schema_version")
        .isEqualTo("there is no pgkeeper in the schema \"nothing_here\" of this database");
  }

  @Test
  void missingMigrationsAreFoundAndAnOldLibrary() {
    int latest = Migrations.latest();
    try {
      protocol(latest - 2, 6);
      only(clinic.findings(), Severity.ERROR, "schema_version")
          .isEqualTo(
              "the schema has version %d, and this library brings %d: 2 migrations are missing"
                  .formatted(latest - 2, latest));
      protocol(latest + 2, latest);
      assertThat(clinic.findings()).isEmpty();
      protocol(latest + 2, latest + 1);
      only(clinic.findings(), Severity.ERROR, "schema_version")
          .contains("serves libraries from version " + (latest + 1) + " on");
    } finally {
      protocol(latest, 6);
    }
  }

  private static void protocol(int version, int oldestClient) {
    clinic
        .database()
        .execute(
            "CREATE OR REPLACE FUNCTION ${schema}.protocol() RETURNS TABLE (version integer, oldest_client integer)"
                + " LANGUAGE sql IMMUTABLE AS $$ SELECT %d, %d $$"
                    .formatted(version, oldestClient));
  }

  @Test
  void connectionsThatNobodyKeepsAliveAreFound() throws Exception {
    PGSimpleDataSource plain = Clinic.at(clinic.server().jdbcUrl());
    plain.setUser(Clinic.APPLICATION);
    only(clinic.findings(plain), Severity.WARNING, "client_keepalives")
        .startsWith("connections are opened with neither tcpKeepAlive nor socketTimeout");
    plain.setSocketTimeout(60);
    assertThat(clinic.findings(plain)).isEmpty();
  }

  @Test
  void aServerThatKeepsTheLocksOfVanishedClientsForHoursIsFound() {
    try {
      setForTheApplication("tcp_keepalives_idle = 7200");
      only(clinic.findings(), Severity.WARNING, "server_keepalives")
          .startsWith("the server notices only after 2 h 1 min that a client's machine is gone");
      setForTheApplication("idle_in_transaction_session_timeout = '2min'");
      assertThat(clinic.findings()).isEmpty();
    } finally {
      forgetForTheApplication();
    }
  }

  @Test
  void commitsThatAreNotFlushedAreFound() {
    try {
      setForTheApplication("synchronous_commit = off");
      only(clinic.findings(), Severity.ERROR, "synchronous_commit")
          .startsWith("synchronous_commit is off for this role");
    } finally {
      forgetForTheApplication();
    }
  }

  @Test
  void aRoleThatMayOnlyReadIsFound() {
    try {
      setForTheApplication("default_transaction_read_only = on");
      only(clinic.findings(), Severity.ERROR, "read_only")
          .startsWith("default_transaction_read_only is on");
    } finally {
      forgetForTheApplication();
    }
  }

  private static void setForTheApplication(String setting) {
    clinic.database().execute("ALTER ROLE app SET " + setting);
  }

  private static void forgetForTheApplication() {
    clinic.database().execute("ALTER ROLE app RESET ALL");
  }

  @Test
  void whoMayCreateOnTheApplicationsPathIsFound() throws Exception {
    clinic.database().execute("GRANT CREATE ON SCHEMA public TO PUBLIC");
    try {
      only(clinic.findings(), Severity.WARNING, "creators_on_the_path")
          .contains("everybody (PUBLIC) in schema \"public\"");
      clinic.database().execute("ALTER ROLE app SET search_path = pg_catalog");
      assertThat(clinic.findings()).isEmpty();
    } finally {
      clinic.database().execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
      clinic.database().execute("ALTER ROLE app RESET search_path");
    }
  }

  @Test
  void aStrangerWithALockOfOursIsFound() throws Exception {
    clinic.role("taker");
    try (Connection stranger = clinic.as("taker").getConnection();
        Keeper keeper = clinic.keeper()) {
      String key =
          clinic
              .database()
              .queryString("SELECT ${schema}._owner_key(" + keeper.session().id() + ")::text");
      stranger.createStatement().execute("SELECT pg_advisory_lock_shared(" + key + ")");
      only(clinic.findings(), Severity.ERROR, "strangers_locks")
          .matches(".*taker \\(pid \\d+\\) has that of session \\d+");
    }
    assertThat(clinic.findings()).isEmpty();
  }

  /** Its key tells nothing: what it is for is known by whoever waits. */
  @Test
  void aStrangerWhomSomebodyOfUsWaitsForIsFound() throws Exception {
    clinic.role("keeping");
    clinic.role("patience");
    clinic.database().execute("CALL ${schema}.grant_application('patience')");
    try (Connection stranger = clinic.as("keeping").getConnection();
        Connection ours = clinic.as("patience").getConnection()) {
      stranger.createStatement().execute("SELECT pg_advisory_lock(4711)");
      long backend = ours.unwrap(PGConnection.class).getBackendPID();
      CompletableFuture<Boolean> waiting =
          Futures.onThread(
              () -> ours.createStatement().execute("SELECT pg_advisory_xact_lock(4711)"));
      Await.until(
          "it waits",
          () -> clinic.database().queryLong("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0);
      only(clinic.findings(), Severity.ERROR, "strangers_locks")
          .matches(
              ".*keeping \\(pid \\d+\\) has that of backend %d, which waits for it"
                  .formatted(backend));
      stranger.createStatement().execute("SELECT pg_advisory_unlock_all()");
      Futures.soon(waiting);
    } finally {
      clinic.database().execute("CALL ${schema}.revoke_role('patience')");
    }
  }

  /** As default privileges of the owner give them to roles, with each migration. */
  @Test
  void rightsOfARoleThatWasNotLetInAreFound() {
    clinic.role("onlooker");
    clinic.database().execute("GRANT SELECT ON ${schema}.message TO onlooker");
    try {
      only(clinic.findings(clinic.as("postgres")), Severity.WARNING, "uninvited_roles")
          .endsWith(": onlooker (message)");
    } finally {
      clinic.database().execute("REVOKE ALL ON ${schema}.message FROM onlooker");
    }
    assertThat(clinic.findings(clinic.as("postgres"))).isEmpty();
  }
}
