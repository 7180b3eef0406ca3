package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.migration.Migrations;
import dev.pgkeeper.testing.TestDatabase;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MigrateCommandTest {

  @Test
  void itCreatesTheSchemaAndSaysWhereAndWhichVersionAndTheSecondTimeThatNothingWasToDo()
      throws Exception {
    try (TestDatabase database = TestDatabase.unmigrated()) {
      assertThat(migrated(database))
          .matches(
              "Schema \"%s\" of \\S+:\\d+/\\w+ was created at version %d\\.\\R"
                  .formatted(database.schema(), Migrations.latest()));
      assertThat(database.queryLong("SELECT version FROM ${schema}.protocol()"))
          .isEqualTo(Migrations.latest());
      assertThat(migrated(database))
          .endsWith("is at version %d; nothing was to do.%n".formatted(Migrations.latest()));
    }
  }

  private static String migrated(TestDatabase database) throws Exception {
    Ran ran =
        Ran.toItsEnd(
            Ran.command(
                Map.of("PGKEEPER_URL", database.jdbcUrl()),
                "migrate",
                "--schema",
                database.schema()));
    assertThat(ran.err()).isEmpty();
    assertThat(ran.status()).isZero();
    return ran.out();
  }

  @Test
  void whatItPrintsIsTheSqlForAnAdministrator() {
    Ran whole = Ran.here(Map.of(), "migrate", "--print", "--schema", "elsewhere");
    assertThat(whole.out()).isEqualTo(Keeper.migrationScript("elsewhere"));
    assertThat(whole.status()).isZero();
    Ran rest = Ran.here(Map.of(), "migrate", "--print", "--from", "1");
    assertThat(rest.out()).isEqualTo(Migrations.script("pgkeeper", 1));
  }

  @Test
  void aVersionThatDoesNotExistIsRefused() {
    MainTest.misunderstood(
        Ran.here(Map.of(), "migrate", "--print", "--from", "999"),
        "pgkeeper migrate: --from is 999; use 0 to "
            + Migrations.latest()
            + "; see pgkeeper migrate --help");
    MainTest.misunderstood(
        Ran.here(Map.of(), "migrate", "--from", "1"),
        "pgkeeper migrate: --from has a meaning only with --print; see pgkeeper migrate --help");
  }

  @Test
  void aSchemasNameThatNeedsQuotesIsRefusedBeforeAnythingIsDone() {
    Ran ran = Ran.here(Map.of(), "migrate", "--schema", "my-schema; DROP", "--print");
    assertThat(ran.err())
        .startsWith(
            "pgkeeper migrate: --schema: The schema name \"my-schema; DROP\" is not a plain")
        .hasLineCount(1);
    assertThat(ran.out()).isEmpty();
    assertThat(ran.status()).isEqualTo(2);
  }

  @Test
  void withoutADatabaseItSaysHowToNameOne() {
    MainTest.misunderstood(
        Ran.here(Map.of(), "migrate"),
        "pgkeeper migrate: no database was given; use --url or set PGKEEPER_URL; see pgkeeper"
            + " migrate --help");
  }

  @Test
  void aUrlThatIsNoneIsNotShown() throws Exception {
    MainTest.misunderstood(
        Ran.here(Map.of(), "migrate", "--url", "postgres://ada:secret@db/app?password=secret"),
        "pgkeeper migrate: --url is not a URL of the PostgreSQL driver: it does not begin with"
            + " jdbc:postgresql:; write jdbc:postgresql://host:5432/database, the role in --user or"
            + " PGUSER, and the password in PGPASSWORD or ~/.pgpass; see pgkeeper migrate --help");
    Ran port =
        Ran.toItsEnd(
            Ran.command(
                Map.of("PGKEEPER_URL", "jdbc:postgresql://db:port/app?password=secret"),
                "migrate"));
    assertThat(port.err())
        .startsWith("pgkeeper migrate: PGKEEPER_URL is not a URL")
        .hasLineCount(1);
    assertThat(port.err()).doesNotContain("secret");
    assertThat(port.status()).isEqualTo(2);
  }

  @Test
  void aServerThatIsNotThereIsToldInOneLine() throws Exception {
    String where = "localhost:" + unusedPort() + "/app";
    Ran ran = Ran.toItsEnd(Ran.command(Map.of(), "migrate", "--url", "jdbc:postgresql://" + where));
    assertThat(ran.err())
        .isEqualToNormalizingNewlines(
            "pgkeeper migrate: cannot connect to "
                + where
                + ": Connection refused; is the server running there? Check --url or"
                + " PGKEEPER_URL\n");
    assertThat(ran.out()).isEmpty();
    assertThat(ran.status()).isEqualTo(1);
  }

  @Test
  void aHostThatDoesNotExistIsToldInOneLine() {
    Ran ran = Ran.here(Map.of(), "migrate", "--url", "jdbc:postgresql://nowhere.invalid/app");
    assertThat(ran.err())
        .isEqualToNormalizingNewlines(
            "pgkeeper migrate: cannot connect to nowhere.invalid:5432/app: there is no such host;"
                + " check --url or PGKEEPER_URL\n");
    assertThat(ran.status()).isEqualTo(1);
  }

  @Test
  void aDatabaseThatDoesNotExistIsToldInOneLine() {
    try (TestDatabase database = TestDatabase.unmigrated()) {
      String url = database.urlOf("not_there");
      Ran ran = Ran.here(Map.of(), "migrate", "--url", url);
      assertThat(ran.err())
          .contains("/not_there: FATAL: database \"not_there\" does not exist; create it, or name")
          .hasLineCount(1);
      assertThat(ran.status()).isEqualTo(1);
    }
  }

  @Test
  void aSchemaOfSomebodyElsesIsLeftAloneAndToldInOneLine() {
    try (TestDatabase database = TestDatabase.unmigrated()) {
      database.execute("CREATE SCHEMA ${schema}");
      database.execute("CREATE TABLE ${schema}.theirs (id integer)");
      Ran ran =
          Ran.here(Map.of(), "migrate", "--url", database.jdbcUrl(), "--schema", database.schema());
      assertThat(ran.err())
          .contains("has tables, functions or types, but not pgkeeper's")
          .hasLineCount(1);
      assertThat(ran.status()).isEqualTo(1);
    }
  }

  private static int unusedPort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
