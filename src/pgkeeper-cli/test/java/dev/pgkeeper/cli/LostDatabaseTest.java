package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.RunDirectory;
import dev.pgkeeper.testing.TestDatabase;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A database that is not there, or goes while something is asked of it. */
class LostDatabaseTest {

  private static PrivateServer server;
  private static TestDatabase database;

  @BeforeAll
  static void start() {
    server = PrivateServer.start();
    database = TestDatabase.freshOn(server);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static String[] all(String line) {
    List<String> all = new ArrayList<>(List.of(line.split(" ")));
    all.addAll(List.of("--url", database.jdbcUrl(), "--schema", database.schema()));
    return all.toArray(String[]::new);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ls /",
        "tree",
        "get /a",
        "set /a x",
        "create /a",
        "rm /a",
        "watch /a",
        "sessions",
        "locks --json",
        "held-at /a",
        "session end 1 --why x",
        "queue push q x",
        "queue pop q",
        "queue peek q",
        "top --once",
        "shell"
      })
  void aDatabaseThatIsNotThereIsNamed(String line) {
    List<String> all = new ArrayList<>(List.of(line.split(" ")));
    all.addAll(List.of("--url", "jdbc:postgresql://127.0.0.1:1/nowhere"));
    Ran ran = Ran.here(Map.of(), all.toArray(String[]::new));
    assertThat(ran.err()).contains(": cannot connect to 127.0.0.1:1/nowhere: ").hasLineCount(1);
    assertThat(ran.out()).isEmpty();
    assertThat(ran.status()).isEqualTo(1);
  }

  @Test
  void aSchemaThatIsMissingIsTold() {
    Ran ran = Ran.here(Map.of(), "locks", "--url", database.jdbcUrl(), "--schema", "elsewhere");
    assertThat(ran.err()).contains("\"elsewhere\"", "run pgkeeper migrate").hasLineCount(1);
    assertThat(ran.status()).isEqualTo(1);
  }

  @Test
  void aConnectionThatBreaksUnderAQuestionIsTold() throws Exception {
    database.execute("BEGIN; CREATE TABLE ${schema}.scratch (); COMMIT");
    try (var connection = database.connect();
        var statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("LOCK TABLE " + database.schema() + ".session IN ACCESS EXCLUSIVE MODE");
      Process sessions = Ran.command(Map.of(), all("sessions")).start();
      Await.until(
          "a question that waits, on a connection that says which command it is of",
          () ->
              database.queryLong(
                      "SELECT count(pg_terminate_backend(pid)) FROM pg_locks JOIN pg_stat_activity"
                          + " USING (pid) WHERE NOT granted AND application_name = 'pgkeeper"
                          + " sessions'")
                  > 0);
      assertThat(sessions.waitFor(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(new String(sessions.getErrorStream().readAllBytes(), StandardCharsets.UTF_8))
          .contains("pgkeeper sessions: the database at 127.0.0.1:", " was lost: ")
          .hasLineCount(1);
      assertThat(sessions.exitValue()).isEqualTo(1);
    }
  }

  /** Whose patience ends first, the server's or the driver's. */
  @ParameterizedTest
  @CsvSource({
    "options=-c%20statement_timeout=500, canceling statement due to statement timeout: the database at, is busy",
    "socketTimeout=1, the database at, gave no answer in time"
  })
  void aDatabaseThatIsBusyIsNotToldToBeAway(String parameter, String first, String then)
      throws Exception {
    try (var connection = database.connect();
        var statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("LOCK TABLE " + database.schema() + ".session IN ACCESS EXCLUSIVE MODE");
      Ran ran =
          Ran.here(
              Map.of(),
              "sessions",
              "--url",
              database.jdbcUrl() + "&" + parameter,
              "--schema",
              database.schema());
      assertThat(ran.err())
          .startsWith("pgkeeper sessions: ")
          .contains(first, then)
          .doesNotContain("is the server running?", "was lost")
          .hasLineCount(1);
      assertThat(ran.status()).isEqualTo(1);
    }
  }

  @Test
  void aWatchTellsThatTheDatabaseIsAwayAndGoesOnWhenItIsBack() throws Exception {
    File remarks = RunDirectory.newFile(".err");
    Process watch =
        Ran.command(Map.of(), all("watch /seen --count 1")).redirectError(remarks).start();
    try {
      Await.until(
          "it watches",
          () ->
              database.queryLong("SELECT count(*) FROM ${schema}.watchers WHERE path = '/seen'")
                  == 1);
      server.stopImmediate();
      Await.until("it is told", () -> read(remarks).contains("does not answer"));
      assertThat(read(remarks)).startsWith("pgkeeper watch: ").hasLineCount(1);
      server.startAgain();
      Await.until("that is told too", () -> read(remarks).contains("connected again"));
      database.execute("SELECT ${schema}.create('/seen')");
      assertThat(watch.waitFor(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(new String(watch.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
          .isEqualTo("created /seen\n");
      assertThat(watch.exitValue()).isZero();
    } finally {
      watch.destroyForcibly();
      Files.delete(remarks.toPath());
    }
  }

  private static String read(File file) {
    try {
      return Files.readString(file.toPath());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
