package dev.pgkeeper.doctor;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.migration.Migrations;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.sql.DataSource;

/**
 * Finds out what is wrong with a set-up: with the way to the server, with the server, with
 * pgkeeper's schema there, and with those who use it. It only asks, opens no session and keeps
 * nothing; any role may, and is told what it may not see.
 *
 * <p>Give it what the application connects with: what stands between that and the server is found
 * out by trying.
 */
public final class Doctor {
  private static final Duration FIRST_ANSWER = Duration.ofSeconds(15);

  /** In the order in which one would look for a cause. */
  private static final Map<String, Check> CHECKS = checks();

  private Doctor() {}

  private static Map<String, Check> checks() {
    Map<String, Check> checks = new LinkedHashMap<>();
    checks.put("pooler", PoolerCheck::look);
    checks.put("client_keepalives", KeepaliveChecks::ofClient);
    checks.put("server_keepalives", KeepaliveChecks::ofServer);
    checks.put("clock", ClockCheck::look);
    checks.put("server_version", VersionChecks::ofServer);
    checks.put("schema_version", VersionChecks::ofSchema);
    checks.put("standby", ReplicationChecks::standby);
    checks.put("read_only", ReplicationChecks::readOnly);
    checks.put("replication", ReplicationChecks::replication);
    checks.put("replication_slots", ReplicationChecks::slots);
    checks.put("timeline", ReplicationChecks::timeline);
    checks.put("synchronous_commit", DurabilityChecks::synchronousCommit);
    checks.put("fsync", DurabilityChecks::fsync);
    checks.put("full_page_writes", DurabilityChecks::fullPageWrites);
    checks.put("idle_in_transaction", VacuumChecks::idleInTransaction);
    checks.put("long_transactions", VacuumChecks::longTransactions);
    checks.put("prepared_transactions", VacuumChecks::preparedTransactions);
    checks.put("autovacuum", VacuumChecks::autovacuum);
    checks.put("dead_rows", VacuumChecks::deadRows);
    checks.put("notification_queue", ServerChecks::notificationQueue);
    checks.put("connections", ServerChecks::connections);
    checks.put("jit", ServerChecks::compiledPlans);
    checks.put("remembered_standby", ServerChecks::rememberedStandby);
    checks.put("flapping_sessions", SessionChecks::flapping);
    checks.put("reconnecting_sessions", SessionChecks::reconnecting);
    checks.put("short_sessions", SessionChecks::shortLived);
    checks.put("polling_sessions", SessionChecks::polling);
    checks.put("strong_roles", RightsChecks::strongRoles);
    checks.put("public_rights", RightsChecks::publicRights);
    checks.put("uninvited_roles", RightsChecks::uninvitedRoles);
    checks.put("creators_on_the_path", RightsChecks::creatorsOnThePath);
    checks.put("strangers_locks", RightsChecks::strangersLocks);
    checks.put("logged_parameters", ServerChecks::loggedParameters);
    return checks;
  }

  /**
   * Examines what this data source leads to. Takes two connections at once.
   *
   * @throws KeeperException if the database cannot be reached
   */
  public static Examination examine(DataSource dataSource, DoctorOptions options) {
    return examine(dataSource, options, Clock.systemUTC());
  }

  static Examination examine(DataSource dataSource, DoctorOptions options, Clock clock) {
    Database database = new Database(dataSource, options.schema(), FIRST_ANSWER);
    return database.readOnce(
        connection -> examine(new Patient(dataSource, database, connection, options, clock)));
  }

  private static Examination examine(Patient patient) throws SQLException {
    Findings findings = new Findings();
    CHECKS.forEach(
        (name, check) -> {
          findings.begin(name);
          make(check, patient, findings);
        });
    return new Examination(
        patient.ask("SELECT current_setting('server_version')", row -> row.getString(1)).orElse(""),
        versionSeen(patient),
        Migrations.latest(),
        CHECKS.size(),
        findings.worstFirst());
  }

  /** What the role may not ask is a finding of its own; a lost connection ends the examination. */
  private static void make(Check check, Patient patient, Findings findings) {
    try {
      Database.on(
          patient.connection(),
          connection -> {
            check.look(patient, findings);
            return true;
          });
    } catch (KeeperException.DatabaseError e) {
      findings.unknown(
          "this could not be asked: " + Database.refusal(e),
          Database.isDenied(e)
              ? "Ask as a role that may: CALL %s.grant_inspector('ROLE') and GRANT pg_monitor TO ROLE let one in."
                  .formatted(patient.schema())
              : "See what the server says, and ask again.");
    }
  }

  private static int versionSeen(Patient patient) {
    try {
      return Database.on(patient.connection(), connection -> patient.schemaVersion())
          .map(Patient.SchemaVersion::version)
          .orElse(0);
    } catch (KeeperException.DatabaseError e) {
      return 0; // said by schema_version
    }
  }
}
