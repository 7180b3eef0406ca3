package dev.pgkeeper.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.Logins;
import dev.pgkeeper.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

class MigrationsTest {

  /** Of definitions, the checksum says the schema's name too. */
  private static final String HISTORY =
      "SELECT string_agg(concat_ws('|', installed_rank, version, description, type, script, CASE WHEN version IS NOT NULL THEN checksum END, installed_by,"
          + " success), E'\\n' ORDER BY installed_rank) FROM ${schema}.migration_history";

  /** Every file's newest row, without the order in which they were run. */
  private static final String NEWEST =
      "SELECT string_agg(entry, E'\\n' ORDER BY entry) FROM ("
          + "SELECT DISTINCT ON (script) concat_ws('|', version, description, type, script, CASE WHEN version IS NOT NULL THEN checksum END, installed_by, success) AS entry"
          + " FROM ${schema}.migration_history WHERE type = 'SQL' ORDER BY script, installed_rank DESC) newest";

  private static final int FILES = MigrationFiles.ofThisJar().after(0).size();

  private final TestDatabase database = TestDatabase.unmigrated();

  /** The version that the schema has then. */
  private static int migrate(DataSource dataSource, String schema) {
    return Migrations.migrate(dataSource, schema).to();
  }

  @AfterEach
  void dropTheSchema() {
    database.close();
  }

  @Test
  void aMissingSchemaIsCreatedAtThisJarsVersion() {
    assertThat(migrate(database.plainDataSource(), database.schema()))
        .isEqualTo(Migrations.latest());
    assertThat(database.queryLong("SELECT version FROM ${schema}.protocol()"))
        .isEqualTo(Migrations.latest());
  }

  @Test
  void whatWasDoneIsTold() {
    makeOlder(3);
    int latest = Migrations.latest();
    assertThat(Migrations.migrate(database.plainDataSource(), database.schema()))
        .isEqualTo(new Migrated(3, latest, true))
        .hasToString("was brought from version 3 to " + latest);
    assertThat(Migrations.migrate(database.plainDataSource(), database.schema()))
        .hasToString("is at version " + latest + "; nothing was to do");
    database.execute("DROP SCHEMA ${schema} CASCADE");
    assertThat(Migrations.migrate(database.plainDataSource(), database.schema()))
        .hasToString("was created at version " + latest);
  }

  @Test
  void everyFileOfTheRepositoryIsRun() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("db", "migration"))) {
      assertThat(MigrationFiles.ofThisJar().after(0))
          .extracting(MigrationFile::name)
          .containsExactlyElementsOf(
              files
                  .map(file -> file.getFileName().toString())
                  .sorted(
                      Comparator.comparing((String name) -> name.startsWith("R"))
                          .thenComparing(name -> name))
                  .toList());
    }
  }

  @Test
  void aSchemaThatIsUpToDateCostsOneConnection() {
    migrate(database.plainDataSource(), database.schema());
    String before = database.queryString(HISTORY);
    assertThat(migrate(database.newPool(1), database.schema())).isEqualTo(Migrations.latest());
    assertThat(database.queryString(HISTORY)).isEqualTo(before);
  }

  @Test
  void aPoolOfOneConnectionIsEnough() {
    HikariDataSource pool = database.newPool(1);
    assertThat(migrate(pool, database.schema())).isEqualTo(Migrations.latest());
    assertThat(database.queryString(HISTORY)).isNotEmpty();
  }

  @Test
  void twentyAtOnceAllEndWell() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(20);
    try {
      CountDownLatch start = new CountDownLatch(1);
      List<Future<Integer>> versions = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        HikariDataSource own = database.newPool(1);
        versions.add(
            threads.submit(
                () -> {
                  start.await();
                  return migrate(own, database.schema());
                }));
      }
      start.countDown();
      for (Future<Integer> version : versions) {
        assertThat(version.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS))
            .isEqualTo(Migrations.latest());
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.migration_history"))
        .isEqualTo(FILES);
  }

  @Test
  void whoeverComesSecondWaitsForTheFirst() throws Exception {
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try (Connection first = database.connect()) {
      first.setAutoCommit(false);
      try (Statement statement = first.createStatement()) {
        statement.execute("CREATE SCHEMA " + database.schema());
      }
      Future<Integer> second =
          thread.submit(() -> migrate(database.plainDataSource(), database.schema()));
      assertThatThrownBy(() -> second.get(500, TimeUnit.MILLISECONDS))
          .isInstanceOf(TimeoutException.class);
      assertThat(
              database.queryLong("SELECT count(*) FROM pg_namespace WHERE nspname = '${schema}'"))
          .isZero();
      first.rollback();
      assertThat(second.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS))
          .isEqualTo(Migrations.latest());
    } finally {
      thread.shutdownNow();
    }
  }

  @Test
  void processesAtOnceAllEndWell() throws Exception {
    List<ChildProcess> processes = new ArrayList<>();
    try {
      for (int i = 0; i < 5; i++) {
        processes.add(ChildProcess.start(Migrator.class, database.jdbcUrl(), database.schema()));
      }
      for (ChildProcess process : processes) {
        process.awaitLine("ready");
      }
      processes.forEach(process -> process.send("go"));
      for (ChildProcess process : processes) {
        assertThat(process.awaitLine("version ")).isEqualTo(Integer.toString(Migrations.latest()));
        assertThat(process.awaitExit()).isZero();
      }
    } finally {
      processes.forEach(ChildProcess::close);
    }
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.migration_history"))
        .isEqualTo(FILES);
  }

  /** Run as a process of its own. */
  static final class Migrator {
    public static void main(String[] arguments) throws IOException {
      PGSimpleDataSource dataSource = new PGSimpleDataSource();
      dataSource.setUrl(arguments[0]);
      System.out.println("ready");
      System.in.read();
      System.out.println("version " + migrate(dataSource, arguments[1]));
    }
  }

  @Test
  void anApplicationsOwnFlywayAndOursDoNotSeeEachOther() throws SQLException {
    database.execute("CREATE DATABASE ${schema}");
    try {
      PGSimpleDataSource dataSource = database.plainDataSource();
      dataSource.setDatabaseName(database.schema());
      Flyway application = Flyway.configure().dataSource(dataSource).load();

      application.migrate();
      migrate(dataSource, "pgkeeper");
      application.validate();
      assertThat(application.migrate().migrationsExecuted).isZero();
      assertThat(migrate(dataSource, "pgkeeper")).isEqualTo(Migrations.latest());

      assertThat(
              query(dataSource, "SELECT string_agg(script, ' ') FROM public.flyway_schema_history"))
          .isEqualTo("V1__accounts.sql");
      assertThat(query(dataSource, "SELECT count(*) FROM pgkeeper.migration_history"))
          .isEqualTo(Integer.toString(FILES));
      assertThat(
              query(
                  dataSource,
                  "SELECT string_agg(relname, ' ') FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
                      + " AND relname <> 'flyway_schema_history'"))
          .isEqualTo("account");
    } finally {
      database.execute("DROP DATABASE ${schema}");
    }
  }

  @Test
  void thePrintedScriptMakesTheSameSchema() throws SQLException {
    database.runScript(Migrations.script(database.schema()));
    assertIsAsMigrated();
    try (TestDatabase migrated = TestDatabase.fresh()) {
      assertThat(database.queryString(HISTORY)).isEqualTo(migrated.queryString(HISTORY));
    }
  }

  @Test
  void theScriptFromTheLatestVersionDefinesAnewWhatDiffers() throws SQLException {
    migrate(database.plainDataSource(), database.schema());
    database.execute(
        "UPDATE ${schema}.migration_history SET checksum = 0 WHERE script LIKE 'R\\_\\_16%'");
    database.execute("DROP FUNCTION ${schema}.fenced_read");
    database.runScript(Migrations.script(database.schema(), Migrations.latest()));
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.migration_history"))
        .isEqualTo(FILES + 1);
    assertIsAsMigrated();
  }

  /** Whether history is written is a setting: it is kept as a function, and is no definition. */
  @Test
  void anUpgradeLeavesHistorySwitchedOff() {
    makeOlder(Migrations.latest() - 1);
    database.execute("SELECT ${schema}.configure_history('test', false)");
    migrate(database.plainDataSource(), database.schema());
    assertThat(database.queryString("SELECT enabled FROM ${schema}.history_settings"))
        .isEqualTo("f");
  }

  @Test
  void rolesThatWereLetInMayAfterAnUpgradeWhatTheyMayInANewSchema() throws SQLException {
    List<String> kinds = List.of("application", "inspector", "operator");
    kinds.forEach(kind -> database.execute("CREATE ROLE ${schema}_" + kind));
    try (TestDatabase migrated = TestDatabase.fresh()) {
      makeOlder(Migrations.latest() - 1);
      for (TestDatabase each : List.of(database, migrated)) {
        for (String kind : kinds) {
          each.execute("CALL ${schema}.grant_%s('%s_%1$s')".formatted(kind, database.schema()));
        }
      }
      migrate(database.plainDataSource(), database.schema());
      assertThat(snapshot(database)).isEqualTo(snapshot(migrated));
      kinds.forEach(kind -> migrated.execute("DROP OWNED BY " + database.schema() + "_" + kind));
    } finally {
      kinds.forEach(kind -> database.execute("DROP OWNED BY ${schema}_" + kind));
      kinds.forEach(kind -> database.execute("DROP ROLE ${schema}_" + kind));
    }
  }

  private static String snapshot(TestDatabase of) throws SQLException {
    try (Connection connection = of.connect()) {
      return SchemaSnapshot.of(connection, of.schema());
    }
  }

  /** From each version once, in one of the two ways: both run the same files. */
  static Stream<Integer> evenVersions() {
    return Stream.iterate(2, version -> version < Migrations.latest(), version -> version + 2);
  }

  static Stream<Integer> oddVersions() {
    return Stream.iterate(1, version -> version < Migrations.latest(), version -> version + 2);
  }

  @ParameterizedTest
  @MethodSource("evenVersions")
  void anOlderSchemaIsBroughtUpByTheScriptFromItsVersion(int version) throws SQLException {
    makeOlder(version);
    database.runScript(Migrations.script(database.schema(), version));
    assertIsAsMigrated();
  }

  @ParameterizedTest
  @MethodSource("oddVersions")
  void aSchemaThatAScriptMadeIsTakenOnByMigrate(int version) throws SQLException {
    makeOlder(version);
    migrate(database.plainDataSource(), database.schema());
    assertIsAsMigrated();
  }

  private Flyway flyway() {
    return Release.configured(database).locations("classpath:dev/pgkeeper/migration").load();
  }

  @Test
  void aSchemaOfFlywaysAndOursIsTakenOnByTheOther(@TempDir Path folder)
      throws IOException, SQLException {
    OlderSchema.release(5).flyway(database, folder).migrate();
    assertThat(Migrations.migrate(database.plainDataSource(), database.schema()))
        .isEqualTo(new Migrated(5, Migrations.latest(), true));
    flyway().validate();
    assertThat(flyway().migrate().migrationsExecuted).isZero();
    assertIsTheSameSchema();
    String newest = database.queryString(NEWEST);

    database.execute("DROP SCHEMA ${schema} CASCADE");
    makeOlder(6);
    assertThat(flyway().migrate().migrationsExecuted)
        .isEqualTo(MigrationFiles.ofThisJar().after(6).size());
    assertThat(Migrations.migrate(database.plainDataSource(), database.schema()))
        .isEqualTo(new Migrated(Migrations.latest(), Migrations.latest(), false));
    assertIsTheSameSchema();
    assertThat(database.queryString(NEWEST)).isEqualTo(newest);
  }

  @Test
  void aFileThatFailsIsNamedAndLeavesNothing() throws SQLException {
    makeOlder(4);
    database.execute("CREATE TYPE ${schema}.claim AS ENUM ()");
    String before = database.queryString(HISTORY);
    assertThatThrownBy(() -> migrate(database.plainDataSource(), database.schema()))
        .isInstanceOf(MigrationException.class)
        .hasMessageContaining("V005__queues.sql: ERROR: ")
        .hasMessageContaining("Nothing of it was changed");
    assertThat(database.queryString(HISTORY)).isEqualTo(before);
    assertThat(database.queryString("SELECT to_regclass('${schema}.message')")).isNull();
  }

  @Test
  void theScriptRefusesASchemaOfAnotherVersion() {
    makeOlder(2);
    assertThatThrownBy(() -> database.runScript(Migrations.script(database.schema(), 3)))
        .hasMessageContaining("has version 2, this script begins at 3");
    assertThatThrownBy(() -> database.runScript(Migrations.script(database.schema())))
        .hasMessageContaining("is not empty");
    assertThat(database.queryLong("SELECT max(version::integer) FROM ${schema}.migration_history"))
        .isEqualTo(2);
  }

  @Test
  void aScriptFromAVersionThatDoesNotExistIsRefused() {
    assertThatThrownBy(() -> Migrations.script("pgkeeper", Migrations.latest() + 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Migrations.script("pgkeeper", -1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "Pgkeeper",
        "pg keeper",
        "1st",
        "pg_keeper",
        "a-b",
        "a.b",
        "a;drop",
        "a\"b",
        "größe",
        "a\n",
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmno"
      })
  void aSchemaNameThatIsNoPlainIdentifierIsRefused(String name) {
    assertThatThrownBy(() -> migrate(database.plainDataSource(), name))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("\"" + name + "\"")
        .hasMessageContaining("Choose");
    assertThatThrownBy(() -> Migrations.script(name)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aNameThatIsAKeywordOfSqlIsRefused() {
    assertThatThrownBy(() -> migrate(database.plainDataSource(), "select"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void connectionsAreGivenBackAsTheyWere() throws SQLException {
    HikariConfig config = new HikariConfig();
    config.setDataSource(database.plainDataSource());
    config.setAutoCommit(false);
    config.setReadOnly(true);
    config.setTransactionIsolation("TRANSACTION_SERIALIZABLE");
    config.setMaximumPoolSize(3);
    config.setConnectionInitSql("SET statement_timeout = '45s'; SET search_path = pg_temp");
    try (HikariDataSource pool = new HikariDataSource(config)) {
      assertThat(migrate(pool, database.schema())).isEqualTo(Migrations.latest());

      List<Connection> all = new ArrayList<>();
      try {
        for (int i = 0; i < 3; i++) {
          Connection connection = pool.getConnection();
          all.add(connection);
          assertThat(connection.getAutoCommit()).isFalse();
          assertThat(connection.isReadOnly()).isTrue();
          assertThat(connection.getTransactionIsolation())
              .isEqualTo(Connection.TRANSACTION_SERIALIZABLE);
          assertThat(query(connection, "SHOW statement_timeout")).isEqualTo("45s");
          assertThat(query(connection, "SHOW search_path")).isEqualTo("pg_temp");
          connection.rollback();
        }
      } finally {
        for (Connection connection : all) {
          connection.close();
        }
      }
    }
  }

  @Test
  void aSchemaThatIsTooNewForThisJarIsRefused() {
    migrate(database.plainDataSource(), database.schema());
    makeNewer(1000);
    assertThatThrownBy(() -> migrate(database.plainDataSource(), database.schema()))
        .isInstanceOf(MigrationException.class)
        .hasMessageContaining(database.schema())
        .hasMessageContaining("has version 1000, which serves clients from version 1000 on")
        .hasMessageContaining("Use a newer pgkeeper");
  }

  @Test
  void aNewerSchemaThatStillServesThisJarIsLeftAsItIs() {
    migrate(database.plainDataSource(), database.schema());
    makeNewer(1);
    assertThat(migrate(database.plainDataSource(), database.schema())).isEqualTo(1000);
  }

  @Test
  void aSchemaWithSomebodyElsesTablesIsRefused() {
    database.execute("CREATE SCHEMA ${schema} CREATE TABLE theirs (id int)");
    assertThatThrownBy(() -> migrate(database.plainDataSource(), database.schema()))
        .isInstanceOf(MigrationException.class)
        .hasMessageContaining("has tables, functions or types, but not pgkeeper's");
  }

  @Test
  void anEmptySchemaThatAnAdministratorMadeIsFilled() throws SQLException {
    database.execute("CREATE SCHEMA ${schema}");
    migrate(database.plainDataSource(), database.schema());
    assertIsAsMigrated();
  }

  @Test
  void aSchemaMadeFromOtherFilesIsRefused() {
    migrate(database.plainDataSource(), database.schema());
    database.execute(
        "UPDATE ${schema}.migration_history SET checksum = checksum + 1 WHERE version = '002'");
    assertThatThrownBy(() -> migrate(database.plainDataSource(), database.schema()))
        .isInstanceOf(MigrationException.class)
        .hasMessageContaining("another content of V002__");
  }

  @Test
  void aRoleWithoutTheRightToCreateIsToldWhatIsMissingAndChangesNothing() {
    String role = database.schema() + "_visitor";
    database.execute("CREATE ROLE " + role);
    try (HikariDataSource pool = asRole(role)) {
      assertThatThrownBy(() -> migrate(pool, database.schema()))
          .isInstanceOf(MigrationException.class)
          .hasMessageContaining("as role \"" + role + "\"")
          .hasMessageContaining("permission denied for database")
          .hasMessageContaining("Migrations.script");
    } finally {
      database.execute("DROP ROLE " + role);
    }
    assertThat(database.queryLong("SELECT count(*) FROM pg_namespace WHERE nspname = '${schema}'"))
        .isZero();
  }

  private HikariDataSource asRole(String role) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(database.jdbcUrl());
    config.setMaximumPoolSize(3);
    config.setConnectionInitSql("SET ROLE " + role);
    return new HikariDataSource(config);
  }

  private void makeOlder(int version) {
    OlderSchema.make(database, version);
  }

  private void makeNewer(int oldestClient) {
    database.execute(
        "INSERT INTO ${schema}.migration_history VALUES (1000, '1000', 'future', 'SQL', 'V1000__future.sql', 1, 'me',"
            + " now(), 1, true)");
    database.execute(
        "CREATE OR REPLACE FUNCTION ${schema}.protocol() RETURNS TABLE (version integer, oldest_client integer)"
            + " LANGUAGE sql IMMUTABLE AS 'SELECT 1000, "
            + oldestClient
            + "'");
  }

  private void assertIsAsMigrated() throws SQLException {
    assertIsTheSameSchema();
    assertThat(Migrations.migrate(database.newPool(1), database.schema()))
        .isEqualTo(new Migrated(Migrations.latest(), Migrations.latest(), false));
    try (TestDatabase migrated = TestDatabase.fresh()) {
      assertThat(database.queryString(NEWEST)).isEqualTo(migrated.queryString(NEWEST));
    }
  }

  /** Down to the bodies of functions and views, which the reviewed snapshot leaves out. */
  private void assertIsTheSameSchema() throws SQLException {
    try (TestDatabase migrated = TestDatabase.fresh()) {
      assertThat(snapshot(database)).isEqualTo(snapshot(migrated));
      assertThat(bodies(database)).isEqualTo(bodies(migrated));
    }
  }

  static String bodies(TestDatabase of) {
    return of.queryString(
            "SELECT string_agg(d.definition, E'\\n' ORDER BY d.definition) FROM ("
                + "SELECT pg_get_functiondef(p.oid) AS definition FROM pg_proc p WHERE p.pronamespace = '${schema}'::regnamespace"
                + " UNION ALL SELECT c.relname || ': ' || pg_get_viewdef(c.oid) FROM pg_class c"
                + " WHERE c.relnamespace = '${schema}'::regnamespace AND c.relkind = 'v') d")
        .replaceAll("\\b" + of.schema() + "\\b", "\\${schema}");
  }

  private static String query(PGSimpleDataSource dataSource, String sql) throws SQLException {
    try (Connection connection = dataSource.getConnection()) {
      return query(connection, sql);
    }
  }

  private static String query(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getString(1);
    }
  }

  /** Whoever owns a schema, or may create in it, has functions there that fit better than ours. */
  @Test
  void aSchemaThatSomebodyElsePreparedIsRefused() throws Exception {
    try (Logins logins = new Logins(database)) {
      logins.create("planter");
      String planter = logins.role("planter");
      database.execute("CREATE SCHEMA ${schema} AUTHORIZATION " + planter);
      assertThatThrownBy(() -> migrate(database.plainDataSource(), database.schema()))
          .isInstanceOf(MigrationException.class)
          .hasMessageContaining("the role \"" + planter + "\" owns it");
      assertThatThrownBy(() -> database.runScript(Migrations.script(database.schema())))
          .hasMessageContaining(planter + ", owns it");
      database.execute("ALTER SCHEMA ${schema} OWNER TO CURRENT_USER");
      database.execute("GRANT CREATE ON SCHEMA ${schema} TO PUBLIC");
      assertThatThrownBy(() -> migrate(database.plainDataSource(), database.schema()))
          .hasMessageContaining("the role \"PUBLIC\" may create in it");
      database.execute("REVOKE CREATE ON SCHEMA ${schema} FROM PUBLIC");
      database.execute(
          "CREATE FUNCTION ${schema}._session_end(bigint, name, text) RETURNS text[] LANGUAGE sql AS 'SELECT NULL::text[]'");
      assertThatThrownBy(() -> migrate(database.plainDataSource(), database.schema()))
          .hasMessageContaining("not pgkeeper's");
      database.execute("DROP FUNCTION ${schema}._session_end(bigint, name, text)");
      assertThat(migrate(database.plainDataSource(), database.schema()))
          .isEqualTo(Migrations.latest());
      database.execute("ALTER SCHEMA ${schema} OWNER TO " + planter);
      assertThatThrownBy(() -> migrate(database.plainDataSource(), database.schema()))
          .as("of a schema that is up to date")
          .hasMessageContaining("owns it");
      database.execute("ALTER SCHEMA ${schema} OWNER TO CURRENT_USER");
    }
  }

  /** Any role that may connect can take any advisory lock. */
  @Test
  void noAdvisoryLockKeepsAMigrationWaiting() throws Exception {
    try (Connection stranger = database.connect()) {
      query(
          stranger,
          "SELECT pg_advisory_lock(x'70676b6d'::int, hashtext('" + database.schema() + "'))");
      assertThat(migrate(database.plainDataSource(), database.schema()))
          .isEqualTo(Migrations.latest());
    }
  }

  /**
   * Who looks at a view waits behind a migration that replaces it, and that behind who has it open.
   */
  @Test
  void anUpgradeThatHasToWaitForAViewGivesWayToThoseWhoRead() throws Exception {
    migrate(database.plainDataSource(), database.schema());
    database.execute("UPDATE ${schema}.migration_history SET checksum = 0 WHERE version IS NULL");
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try (Connection looks = database.connect()) {
      looks.setAutoCommit(false);
      query(looks, "SELECT count(*) FROM " + database.schema() + ".queues");
      Future<Integer> upgrade =
          thread.submit(() -> migrate(database.plainDataSource(), database.schema()));
      String waits =
          "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%VIEW%'";
      Await.until("the upgrade waits", () -> database.queryLong(waits) == 1);
      database.queryLong(
          "SELECT count(*) FROM ${schema}.queues"); // comes back, and so is no deadlock
      assertThat(upgrade.isDone()).isFalse();
      looks.rollback();
      assertThat(upgrade.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS))
          .isEqualTo(Migrations.latest());
    } finally {
      thread.shutdownNow();
    }
  }
}
