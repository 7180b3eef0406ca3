package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The command as a machine's service runs it: each in a process of its own. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class LeadCommandTest {

  /**
   * A command that says that it leads, ends when it is sent a line, and well when it is stopped.
   */
  private static final String SERVICE =
      """
      exec 3<&0
      (read line <&3) & reader=$!
      trap 'kill $reader 2>/dev/null; echo stopping; exit 0' TERM
      echo leads $PGKEEPER_TOKEN
      wait $reader || exit 4
      echo ending; exit 3""";

  /** Of who just goes, the next one would hear in an hour. */
  private static final String[] FOR_AN_HOUR = {"--grace", "1h", "--timeout", "1h"};

  private static TestDatabase database;

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void drop() {
    database.close();
  }

  @Test
  void oneRunsItsCommandAndItsExitStatusIsPassedOnAndThenTheNextOne() throws Exception {
    String path = "/services/one";
    try (ChildProcess ada = start(database, path, "--identity", "ada")) {
      long token = leads(ada);
      assertThat(identity("leaders", path)).isEqualTo("ada " + token);
      try (ChildProcess bob = start(database, path, "--identity", "bob")) {
        awaitCandidates(path, 2);
        ada.send("");
        ada.awaitLine("ending");
        assertThat(ada.awaitExit()).isEqualTo(3);
        assertThat(leads(bob)).isGreaterThan(token);
        assertThat(identity("candidates", path)).startsWith("bob ");
      }
    }
  }

  @Test
  void aKilledLeaderIsFollowedAfterItsGraceAndLongBeforeItsTimeout() throws Exception {
    // For one timeout after an epoch began nobody is ended for a break of the connection.
    SessionLog.of(database).putEpochBack();
    String path = "/services/killed";
    Duration grace = Duration.ofSeconds(5);
    try (ChildProcess first = start(database, path, "--grace", "5s", "--timeout", "1h")) {
      long token = leads(first);
      try (ChildProcess second = start(database, path)) {
        awaitCandidates(path, 2);
        long killed = System.nanoTime();
        first.kill9();
        assertThat(leads(second)).isGreaterThan(token);
        assertThat(Duration.ofNanos(System.nanoTime() - killed)).isGreaterThanOrEqualTo(grace);
      }
    }
  }

  @Test
  void aSignalStopsTheCommandAndThenTheNextOneLeadsAtOnce() throws Exception {
    String path = "/services/signalled";
    try (ChildProcess first = start(database, path, FOR_AN_HOUR)) {
      leads(first);
      try (ChildProcess second = start(database, path)) {
        awaitCandidates(path, 2);
        terminate(first);
        first.awaitLine("stopping");
        leads(second);
        assertThat(first.awaitExit()).isEqualTo(143);
      }
    }
  }

  @Test
  void aSignalEndsTheCandidacyOfWhoWaits() throws Exception {
    String path = "/services/impatient";
    try (ChildProcess first = start(database, path)) {
      leads(first);
      try (ChildProcess second = start(database, path, FOR_AN_HOUR)) {
        awaitCandidates(path, 2);
        terminate(second);
        assertThat(second.awaitExit()).isEqualTo(143);
        assertThat(candidates(path)).isEqualTo(1);
      }
    }
  }

  @Test
  void aLostLeadershipStopsTheCommandAndEndsNotWithZero() throws Exception {
    String path = "/services/lost";
    try (ChildProcess leader = start(database, path)) {
      leads(leader);
      endSession(path);
      leader.awaitLine("stopping");
      assertThat(leader.awaitExit()).isEqualTo(1);
    }
  }

  @Test
  void withAgainItStandsAgainUntilTheCommandEndsByItself() throws Exception {
    String path = "/services/again";
    try (ChildProcess leader = start(database, path, "--again")) {
      long token = leads(leader);
      endSession(path);
      leader.awaitLine("stopping");
      assertThat(leads(leader)).isGreaterThan(token);
      leader.send("");
      assertThat(leader.awaitExit()).isEqualTo(3);
    }
  }

  @Test
  void whileTheDatabaseIsAwayNothingRunsAndWithAgainItLeadsWhenThatIsBack() throws Exception {
    try (PrivateServer server = PrivateServer.start();
        TestDatabase away = TestDatabase.freshOn(server);
        ChildProcess leader = start(away, "/services/away", "--again", "--grace", "5s")) {
      long token = leads(leader);
      server.stopFast();
      leader.awaitLine("stopping");
      server.startAgain();
      assertThat(leads(leader)).isGreaterThan(token);
    }
  }

  @Test
  void whatIsNotUnderstoodIsToldInOneLine() {
    for (String[] arguments :
        new String[][] {
          {},
          {"/a"},
          {"/a", "--wait", "1s", "--", "true"},
          {"/a", "--grace", "soon", "--", "true"},
          {"/a", "--patience", "5", "--", "true"},
          {"a/b", "--", "true"}
        }) {
      Ran ran = Ran.here(Map.of(), all(database, arguments));
      assertThat(ran.err())
          .as(String.join(" ", arguments))
          .startsWith("pgkeeper lead: ")
          .hasLineCount(1);
      assertThat(ran.status()).as(String.join(" ", arguments)).isEqualTo(2);
    }
  }

  @Test
  void aPathThatIsALockIsToldInOneLine() {
    Ran locked = Ran.here(Map.of(), replaced("lock", all(database, "/a-lock", "--", "true")));
    assertThat(locked.status()).isZero();
    Ran ran = Ran.here(Map.of(), all(database, "/a-lock", "--again", "--", "true"));
    assertThat(ran.err()).startsWith("pgkeeper lead: /a-lock").hasLineCount(1);
    assertThat(ran.status()).isEqualTo(1);
  }

  @Test
  void theHelpSaysWhatBecomesOfALostLeadership() {
    assertThat(Ran.here(Map.of(), "lead", "--help").out())
        .contains("--again", "never with 0", "SIGKILL", "PGKEEPER_TOKEN", "--identity");
  }

  private static String[] all(TestDatabase on, String... arguments) {
    List<String> all =
        new ArrayList<>(List.of("lead", "--url", on.jdbcUrl(), "--schema", on.schema()));
    all.addAll(List.of(arguments));
    return all.toArray(String[]::new);
  }

  private static String[] replaced(String name, String... arguments) {
    arguments[0] = name;
    return arguments;
  }

  private static ChildProcess start(TestDatabase on, String path, String... options) {
    List<String> arguments = new ArrayList<>(List.of(path));
    arguments.addAll(List.of(options));
    arguments.addAll(List.of("--", "bash", "-c", SERVICE));
    return ChildProcess.start(Main.class, all(on, arguments.toArray(String[]::new)));
  }

  private static long leads(ChildProcess process) throws InterruptedException {
    return Long.parseLong(process.awaitLine("leads "));
  }

  private static void terminate(ChildProcess process) {
    ProcessHandle.of(process.pid()).orElseThrow().destroy();
  }

  private static void endSession(String path) {
    database.execute(
        "SELECT ${schema}.session_end(session) FROM ${schema}.leaders WHERE path = '" + path + "'");
  }

  private static long candidates(String path) {
    return database.queryLong(
        "SELECT count(*) FROM ${schema}.candidates WHERE path = '" + path + "'");
  }

  private static void awaitCandidates(String path, int number) {
    Await.until(number + " stand for " + path, () -> candidates(path) == number);
  }

  private static String identity(String view, String path) {
    return database.queryString(
        "SELECT identity || ' ' || token FROM ${schema}." + view + " WHERE path = '" + path + "'");
  }
}
