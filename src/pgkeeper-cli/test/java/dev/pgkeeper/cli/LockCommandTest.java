package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The command as a script runs it: each in a process of its own. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class LockCommandTest {

  /** A command that says when it has begun, and ends with 3 when it is sent a line. */
  private static final String[] LASTING = {
    "--", "sh", "-c", "echo begun $PGKEEPER_TOKEN; read line; echo ending; exit 3"
  };

  /** A command that says when it has begun, and again when it is asked to end. */
  private static final String[] STOPPABLE = {
    "--", "sh", "-c", "trap 'echo stopping; exit 9' TERM; echo begun; while :; do sleep 0.05; done"
  };

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
  void theCommandFindsPathAndGrowingTokenAndItsExitStatusIsPassedOn() throws Exception {
    String script = "echo $PGKEEPER_PATH $PGKEEPER_TOKEN $0; exit 7";
    long last = 0;
    for (int i = 0; i < 2; i++) {
      Ran ran = run("/locks/plain", "--", "sh", "-c", script, "--flag");
      assertThat(ran.err()).isEmpty();
      assertThat(ran.status()).isEqualTo(7);
      String[] words = ran.out().strip().split(" ");
      assertThat(words).hasSize(3).startsWith("/locks/plain").endsWith("--flag");
      assertThat(Long.parseLong(words[1])).isGreaterThan(last);
      last = Long.parseLong(words[1]);
    }
    assertThat(sessions("/locks/plain")).as("sessions that are left").isZero();
  }

  @Test
  void argumentsAfterTheDashesAreTheCommandsOwn() throws Exception {
    Ran ran = run("/locks/arguments", "--", "echo", "@@file", "--wait", "--", "-h");
    assertThat(ran.err()).isEmpty();
    assertThat(ran.out().strip()).isEqualTo("@@file --wait -- -h");
  }

  @Test
  void theSecondWaitsForTheFirst() throws Exception {
    String path = "/locks/turns";
    try (ChildProcess first = start(path, LASTING)) {
      long token = Long.parseLong(first.awaitLine("begun "));
      assertThat(
              database.queryLong("SELECT token FROM ${schema}.locks WHERE path = '" + path + "'"))
          .isEqualTo(token);
      try (ChildProcess second = start(path, LASTING)) {
        awaitWaiters(path, 1);
        first.send("");
        first.awaitLine("ending");
        assertThat(Long.parseLong(second.awaitLine("begun "))).isGreaterThan(token);
        assertThat(first.awaitExit()).isEqualTo(3);
        second.send("");
        assertThat(second.awaitExit()).isEqualTo(3);
      }
    }
  }

  @Test
  void whatCannotBeHadInTimeEndsWithTheBusyStatusAndNamesTheHolder() throws Exception {
    String path = "/locks/busy";
    try (ChildProcess first = start(path, LASTING)) {
      first.awaitLine("begun ");
      Ran tries = run(path, "--wait", "0s", "--", "echo", "ran");
      assertThat(tries.status()).isEqualTo(75);
      assertThat(tries.out()).isEmpty();
      assertThat(tries.err())
          .startsWith("pgkeeper lock: /locks/busy is held by pgkeeper lock /locks/busy (")
          .contains("pid " + first.pid() + ")", "nothing was run")
          .hasLineCount(1);
      Ran waits = run(path, "--wait", "300ms", "--busy-status", "9", "--", "echo", "ran");
      assertThat(waits.status()).isEqualTo(9);
      assertThat(waits.out()).isEmpty();
      assertThat(waiters(path)).as("who gave up, and still waits").isZero();
    }
  }

  @Test
  void whenTheLockIsLostTheCommandIsStopped() throws Exception {
    String path = "/locks/lost";
    Process lock = command(path, STOPPABLE).start();
    try (var out = lock.inputReader(StandardCharsets.UTF_8)) {
      assertThat(out.readLine()).isEqualTo("begun");
      endSession(path);
      assertThat(out.readLine()).isEqualTo("stopping");
      assertThat(lock.waitFor()).isEqualTo(9);
    }
    assertThat(new String(lock.getErrorStream().readAllBytes(), StandardCharsets.UTF_8))
        .isEqualToIgnoringNewLines(
            "pgkeeper lock: /locks/lost may be somebody else's by now; the command is stopped");
  }

  @Test
  void aLockThatWasLostNeverEndsWithZero() throws Exception {
    String path = "/locks/lost-well";
    String script = "trap 'exit 0' TERM; echo begun; while :; do sleep 0.05; done";
    try (ChildProcess lock = start(path, "--", "sh", "-c", script)) {
      lock.awaitLine("begun");
      endSession(path);
      assertThat(lock.awaitExit()).isEqualTo(1);
    }
  }

  @Test
  void atItsLimitTheCommandIsStoppedAndKilledIfItDoesNotObey() throws Exception {
    String stubborn = "trap '' TERM; while :; do sleep 0.05; done";
    Ran ran =
        run(
            "/locks/limit",
            "--at-most",
            "500ms",
            "--patience",
            "300ms",
            "--",
            "sh",
            "-c",
            stubborn);
    assertThat(ran.status()).isEqualTo(137);
    assertThat(ran.err()).contains("the command is stopped");
  }

  @Test
  void aSignalStopsTheCommandAndThenGivesTheLockBackAtOnce() throws Exception {
    String path = "/locks/signalled";
    try (ChildProcess lock = start(path, with(STOPPABLE, "--grace", "1h", "--timeout", "1h"))) {
      lock.awaitLine("begun");
      terminate(lock);
      lock.awaitLine("stopping");
      assertThat(lock.awaitExit()).isEqualTo(143);
      assertThat(sessions(path)).isZero();
      assertThat(run(path, "--wait", "0s", "--", "true").status()).isZero();
    }
  }

  @Test
  void aSignalEndsTheWaitAndNothingIsRun() throws Exception {
    String path = "/locks/impatient";
    try (ChildProcess first = start(path, LASTING)) {
      first.awaitLine("begun ");
      Process second = command(path, with(LASTING, "--grace", "1h", "--timeout", "1h")).start();
      awaitWaiters(path, 1);
      second.toHandle().destroy();
      assertThat(second.waitFor()).isEqualTo(143);
      assertThat(second.getInputStream().readAllBytes()).isEmpty();
      assertThat(second.getErrorStream().readAllBytes()).isEmpty();
      assertThat(waiters(path)).as("who was ended, and still waits").isZero();
      assertThat(sessions(path)).isEqualTo(1);
    }
  }

  @Test
  void aCommandThatCannotBeRunIsToldInOneLineAndTheLockIsFree() throws Exception {
    Ran ran = run("/locks/absent", "--", "/not/there");
    assertThat(ran.status()).isEqualTo(1);
    assertThat(ran.err()).startsWith("pgkeeper lock: /not/there cannot be run").hasLineCount(1);
    assertThat(run("/locks/absent", "--wait", "0s", "--", "true").status()).isZero();
  }

  @Test
  void whatIsNotUnderstoodIsToldInOneLine() {
    for (String[] arguments :
        new String[][] {
          {},
          {"/a"},
          {"/a", "--wait", "soon", "--", "true"},
          {"/a", "--at-most", "0s", "--", "true"},
          {"/a", "--busy-status", "300", "--", "true"},
          {"/a", "--grace", "40s", "--", "true"},
          {"/a", "--timeout", "1ms", "--", "true"},
          {"/a", "--schema", "My Schema", "--", "true"},
          {"/a", "--again", "--", "true"},
          {"/a", "ls", "-l"},
          {"a", "--", "true"},
          {"/", "--", "true"}
        }) {
      Ran ran = Ran.here(Map.of(), all(arguments));
      assertThat(ran.err())
          .as(String.join(" ", arguments))
          .startsWith("pgkeeper lock: ")
          .hasLineCount(1);
      assertThat(ran.status()).as(String.join(" ", arguments)).isEqualTo(2);
    }
  }

  @Test
  void theHelpSaysWhatAKilledWrapperMeans() {
    assertThat(Ran.here(Map.of(), "lock", "--help").out())
        .contains("SIGKILL", "PGKEEPER_TOKEN", "--wait", "--at-most", "75 ");
  }

  private static String[] all(String... arguments) {
    List<String> all = new ArrayList<>(List.of("lock", "--url", database.jdbcUrl()));
    if (!List.of(arguments).contains("--schema")) {
      all.addAll(List.of("--schema", database.schema()));
    }
    all.addAll(List.of(arguments));
    return all.toArray(String[]::new);
  }

  private static String[] with(String[] rest, String... first) {
    List<String> all = new ArrayList<>(List.of(first));
    all.addAll(List.of(rest));
    return all.toArray(String[]::new);
  }

  private static ProcessBuilder command(String path, String... arguments) {
    return Ran.command(Map.of(), all(with(arguments, path)));
  }

  private static Ran run(String path, String... arguments) throws Exception {
    return Ran.toItsEnd(command(path, arguments));
  }

  private static ChildProcess start(String path, String... arguments) {
    return ChildProcess.start(Main.class, all(with(arguments, path)));
  }

  private static void terminate(ChildProcess process) {
    ProcessHandle.of(process.pid()).orElseThrow().destroy();
  }

  private static void endSession(String path) {
    database.execute(
        "SELECT ${schema}.session_end(session) FROM ${schema}.locks WHERE path = '" + path + "'");
  }

  private static long waiters(String path) {
    return database.queryLong(
        "SELECT count(*) FROM ${schema}.lock_waiters WHERE path = '" + path + "'");
  }

  private static void awaitWaiters(String path, int number) {
    Await.until(number + " in line for " + path, () -> waiters(path) == number);
  }

  private static long sessions(String path) {
    return database.queryLong(
        "SELECT count(*) FROM ${schema}.sessions WHERE client = 'pgkeeper lock " + path + "'");
  }
}
