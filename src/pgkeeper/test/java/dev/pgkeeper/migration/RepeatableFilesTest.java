package dev.pgkeeper.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Files of definitions, run by the library, by a script and by Flyway: each of the three goes on
 * from where another ended.
 */
class RepeatableFilesTest {

  private static final String HISTORY =
      "SELECT string_agg(concat_ws('|', installed_rank, coalesce(version, '-'), description, type, script, checksum,"
          + " installed_by, success), E'\\n' ORDER BY installed_rank) FROM ${schema}.migration_history";

  private static final String IS_HEAVY =
      """
      CREATE OR REPLACE FUNCTION ${schema}.is_heavy(weight integer) RETURNS boolean
      LANGUAGE sql IMMUTABLE RETURN weight > %d;
      """;

  /** Flyway's order is by description, in which a space comes before a digit: 02 views, 020. */
  private static final Release FIRST =
      new Release(
          Map.of(
              "V001__boxes.sql",
              "CREATE TABLE ${schema}.box (id integer PRIMARY KEY, weight integer NOT NULL);\n"
                  + "INSERT INTO ${schema}.box VALUES (1, 15);\n",
              "R__01_weights.sql",
              IS_HEAVY.formatted(10),
              "R__02_views.sql",
              "-- größer\r\nCREATE OR REPLACE VIEW ${schema}.boxes AS\r\n"
                  + "  SELECT b.id, ${schema}.is_heavy(b.weight) AS is_heavy FROM ${schema}.box b;",
              "R__020.sql",
              "CREATE OR REPLACE VIEW ${schema}.heavy_boxes AS"
                  + " SELECT b.id FROM ${schema}.boxes b WHERE b.is_heavy;\n"));

  /** Its version has another table, and one of its functions another body. */
  private static final Release SECOND =
      FIRST
          .with("V002__lids.sql", "CREATE TABLE ${schema}.lid (box integer NOT NULL);\n")
          .with("R__01_weights.sql", IS_HEAVY.formatted(20));

  /** Only a function has another body. */
  private static final Release THIRD = SECOND.with("R__01_weights.sql", IS_HEAVY.formatted(5));

  private static final Release[] RELEASES = {FIRST, SECOND, THIRD};

  private final TestDatabase database = TestDatabase.unmigrated();

  @TempDir private Path folder;

  @BeforeEach
  void makeTheSchema() {
    // Flyway notes it where it makes a schema itself.
    database.execute("CREATE SCHEMA ${schema}");
  }

  @AfterEach
  void dropTheSchema() {
    database.close();
  }

  private Flyway flyway(Release release) throws IOException {
    return release.flyway(database, Files.createTempDirectory(folder, "release"));
  }

  private boolean isHeavy() {
    return database.queryLong("SELECT count(*) FROM ${schema}.heavy_boxes") == 1;
  }

  private void startAgain() {
    database.execute("DROP SCHEMA ${schema} CASCADE; CREATE SCHEMA ${schema}");
  }

  @Test
  void theLibraryAndAScriptLeaveTheHistoryThatFlywayLeaves() throws IOException {
    for (Release release : RELEASES) {
      flyway(release).migrate();
    }
    String byFlyway = database.queryString(HISTORY);

    startAgain();
    for (Release release : RELEASES) {
      release.migrate(database);
    }
    assertThat(database.queryString(HISTORY)).isEqualTo(byFlyway);

    startAgain();
    FIRST.runScript(database, 0);
    SECOND.runScript(database, 1);
    THIRD.runScript(database, 2);
    assertThat(database.queryString(HISTORY)).isEqualTo(byFlyway);
  }

  @Test
  void aChangedFunctionIsDefinedAnewByEitherAndTheOtherHasNothingToDo() throws IOException {
    FIRST.migrate(database);
    assertThat(flyway(FIRST).migrate().migrationsExecuted).isZero();
    assertThat(isHeavy()).isTrue();

    assertThat(flyway(SECOND).migrate().migrationsExecuted).isEqualTo(2);
    assertThat(SECOND.migrate(database)).isEqualTo(new Migrated(2, 2, false));
    assertThat(isHeavy()).isFalse();

    assertThat(THIRD.migrate(database)).isEqualTo(new Migrated(2, 2, true));
    flyway(THIRD).validate();
    assertThat(flyway(THIRD).migrate().migrationsExecuted).isZero();
    assertThat(isHeavy()).isTrue();
  }

  @Test
  void aContentThatWasThereBeforeIsDefinedOnceMore() throws IOException {
    SECOND.migrate(database);
    THIRD.migrate(database);
    assertThat(SECOND.migrate(database)).isEqualTo(new Migrated(2, 2, true));
    assertThat(isHeavy()).isFalse();
    assertThat(flyway(SECOND).migrate().migrationsExecuted).isZero();
  }

  @Test
  void whatWasDoneIsTold() {
    assertThat(FIRST.migrate(database)).hasToString("was created at version 1");
    assertThat(SECOND.migrate(database)).hasToString("was brought from version 1 to 2");
    assertThat(THIRD.migrate(database))
        .hasToString("is at version 2; its functions and views were renewed");
    assertThat(THIRD.migrate(database)).hasToString("is at version 2; nothing was to do");
  }

  @Test
  void definitionsComeAfterAllVersions() {
    FIRST.migrate(database);
    Release other =
        SECOND
            .with(
                "V003__grams.sql",
                "DROP VIEW ${schema}.heavy_boxes, ${schema}.boxes;"
                    + " DROP FUNCTION ${schema}.is_heavy; ALTER TABLE ${schema}.box RENAME weight TO grams;")
            .with("R__01_weights.sql", IS_HEAVY.formatted(20_000).replace("weight", "grams"))
            .with(
                "R__02_views.sql",
                "CREATE OR REPLACE VIEW ${schema}.boxes AS"
                    + " SELECT b.id, ${schema}.is_heavy(b.grams) AS is_heavy FROM ${schema}.box b;")
            .with(
                "R__020.sql",
                "CREATE OR REPLACE VIEW ${schema}.heavy_boxes AS"
                    + " SELECT b.id, 'grams' AS unit FROM ${schema}.boxes b WHERE b.is_heavy;\n");
    assertThat(other.migrate(database)).isEqualTo(new Migrated(1, 3, true));
    assertThat(isHeavy()).isFalse();
  }

  @Test
  void aFileThatFailsIsNamedAndLeavesAllAsItWas() {
    SECOND.migrate(database);
    String before = database.queryString(HISTORY);
    Release broken =
        THIRD.with("R__020.sql", "CREATE OR REPLACE VIEW ${schema}.boxes AS SELECT 1;");
    assertThatThrownBy(() -> broken.migrate(database))
        .isInstanceOf(MigrationException.class)
        .hasMessageContaining("R__020.sql: ERROR: ")
        .hasMessageContaining("Nothing of it was changed");
    assertThat(database.queryString(HISTORY)).isEqualTo(before);
    assertThat(isHeavy()).isFalse();
  }

  @Test
  void versionsThatAreMissingOrThereTwiceAreRefused() {
    assertThatThrownBy(() -> SECOND.with("V001__crates.sql", "").files())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("two files of version 1: V001__boxes.sql and V001__crates.sql");
    assertThatThrownBy(() -> SECOND.with("V004__crates.sql", "").files())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("a gap before V004__crates.sql");
  }
}
