package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The command as cron starts it: each in a process of its own. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class GuardCommandTest {

  private static TestDatabase database;

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void drop() {
    database.close();
  }

  private static ProcessBuilder guard(String job, String... arguments) {
    List<String> all = new ArrayList<>(List.of("guard", job, "--schema", database.schema()));
    all.addAll(List.of(arguments));
    return Ran.command(Map.of("PGKEEPER_URL", database.jdbcUrl()), all.toArray(String[]::new));
  }

  private static Ran run(String job, String... arguments) throws Exception {
    return Ran.toItsEnd(guard(job, arguments));
  }

  private static String row(String job, String columns) {
    return database.queryString(
        "SELECT concat_ws(' ', " + columns + ") FROM ${schema}.job_runs WHERE job = '" + job + "'");
  }

  @Test
  void theCommandRunsOnceForATickAndFindsItsTokenAndItsTick() throws Exception {
    String script = "echo $PGKEEPER_JOB $PGKEEPER_TICK $PGKEEPER_TOKEN $0";
    Ran first = run("mails", "--tick", "2026-11-21", "--", "sh", "-c", script, "--flag");
    assertThat(first.err()).isEmpty();
    assertThat(first.out().strip())
        .isEqualTo("mails 2026-11-21 " + row("mails", "token") + " --flag");
    assertThat(first.status()).isZero();
    assertThat(row("mails", "state, attempt, client")).isEqualTo("done 1 pgkeeper guard mails");

    Ran second = run("mails", "--tick", "2026-11-21", "--", "echo", "again");
    assertThat(second.out()).isEmpty();
    assertThat(second.err().strip())
        .isEqualTo("pgkeeper guard: mails at 2026-11-21 was done before; nothing was run");
    assertThat(second.status()).isZero();
    assertThat(run("mails", "--tick", "2026-11-21", "--busy-status", "75", "--", "true").status())
        .isEqualTo(75);
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.sessions"))
        .as("sessions that are left")
        .isZero();
  }

  @Test
  void aFailureIsPassedOnAndRecordedAndTriedAgainUnlessAtMostOnce() throws Exception {
    Ran fails = run("fails", "--tick", "t", "--", "sh", "-c", "exit 3");
    assertThat(fails.status()).isEqualTo(3);
    assertThat(fails.err()).isEmpty();
    assertThat(row("fails", "state, error")).isEqualTo("failed exit status 3");
    long token = Long.parseLong(row("fails", "token"));

    Ran once = run("fails", "--tick", "t", "--at-most-once", "--", "echo", "ran");
    assertThat(once.out()).isEmpty();
    assertThat(once.err()).contains("was begun before and did not end well");

    Ran again = run("fails", "--tick", "t", "--", "sh", "-c", "echo $PGKEEPER_TOKEN");
    assertThat(Long.parseLong(again.out().strip())).isGreaterThan(token);
    assertThat(row("fails", "state, attempt")).isEqualTo("done 2");
  }

  @Test
  void aTickThatIsADayIsThePresentOneByTheDatabasesClockInItsZone() throws Exception {
    assertThat(run("daily", "--tick", "day", "--zone", "Pacific/Auckland", "--", "true").status())
        .isZero();
    assertThat(
            row(
                "daily",
                "scheduled = date_trunc('day', started AT TIME ZONE 'Pacific/Auckland') AT TIME ZONE 'Pacific/Auckland'"
                    + " OR scheduled + interval '1 day' > started - interval '1 minute'"))
        .isEqualTo("t");
    assertThat(row("daily", "to_char(scheduled AT TIME ZONE 'Pacific/Auckland', 'HH24:MI:SS.US')"))
        .isEqualTo("00:00:00.000000");
  }

  /** A command that says when it has begun, and again when it is asked to end. */
  private static final String STOPPABLE =
      "trap 'echo stopping; exit 9' TERM; echo begun; while :; do sleep 0.05; done";

  @Test
  void aSignalStopsTheCommandAndGivesTheRunBack() throws Exception {
    Process guard = guard("signalled", "--tick", "t", "--", "sh", "-c", STOPPABLE).start();
    try (BufferedReader out = guard.inputReader(StandardCharsets.UTF_8)) {
      assertThat(out.readLine()).isEqualTo("begun");
      assertThat(row("signalled", "state")).isEqualTo("running");
      Ran other = run("signalled", "--tick", "t", "--", "echo", "ran");
      assertThat(other.err()).contains("is running elsewhere");
      assertThat(other.out()).isEmpty();
      List<ProcessHandle> children = guard.descendants().toList();
      guard.toHandle().destroy();
      assertThat(out.readLine()).isEqualTo("stopping");
      assertThat(guard.waitFor(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(children.get(0).isAlive()).isFalse();
    }
    assertThat(guard.exitValue()).isEqualTo(143);
    assertThat(row("signalled", "state, error")).isEqualTo("failed exit status 9");
    assertThat(
            database.queryLong(
                "SELECT count(*) FROM ${schema}.sessions WHERE client = 'pgkeeper guard signalled'"))
        .isZero();
  }

  @Test
  void aRunThatIsLostStopsTheCommand() throws Exception {
    Process guard = guard("lost", "--tick", "t", "--", "sh", "-c", STOPPABLE).start();
    try (BufferedReader out = guard.inputReader(StandardCharsets.UTF_8)) {
      assertThat(out.readLine()).isEqualTo("begun");
      database.execute("SELECT ${schema}.session_end(" + row("lost", "session") + ")");
      assertThat(out.readLine()).isEqualTo("stopping");
      assertThat(guard.waitFor(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }
    assertThat(new String(guard.getErrorStream().readAllBytes(), StandardCharsets.UTF_8))
        .contains("lost at t may be somebody else's by now; the command is stopped");
    assertThat(guard.exitValue()).isEqualTo(9);
  }

  @Test
  void atItsLimitTheCommandIsStoppedAndKilledIfItDoesNotObey() throws Exception {
    Ran ran =
        run(
            "stubborn",
            "--tick",
            "t",
            "--at-most",
            "500ms",
            "--patience",
            "300ms",
            "--",
            "sh",
            "-c",
            "trap '' TERM; while :; do sleep 0.05; done");
    assertThat(ran.status()).isEqualTo(137);
    assertThat(ran.err()).contains("the command is stopped");
    assertThat(row("stubborn", "state, error")).isEqualTo("failed exit status 137");
  }

  @Test
  void aCommandThatCannotBeRunIsToldInOneLineAndRecorded() throws Exception {
    Ran ran = run("absent", "--tick", "t", "--", "/not/there");
    assertThat(ran.status()).isEqualTo(1);
    assertThat(ran.err()).startsWith("pgkeeper guard: /not/there cannot be run").hasLineCount(1);
    assertThat(row("absent", "state")).isEqualTo("failed");
  }

  @Test
  void whatIsNotUnderstoodIsToldInOneLine() {
    for (String[] arguments :
        new String[][] {
          {"--tick", "t"},
          {"--", "true"},
          {"--tick", "t", "--at-most", "soon", "--", "true"},
          {"--tick", "t", "--zone", "Mars", "--", "true"},
          {"--tick", "t", "--busy-status", "300", "--", "true"},
          {"--tick", "t", "--at-most", "0s", "--", "true"},
          {"--tick", "", "--", "true"}
        }) {
      List<String> all =
          new ArrayList<>(
              List.of("guard", "job", "--schema", database.schema(), "--url", database.jdbcUrl()));
      all.addAll(List.of(arguments));
      Ran ran = Ran.here(Map.of(), all.toArray(String[]::new));
      assertThat(ran.err()).as(all.toString()).startsWith("pgkeeper guard: ").hasLineCount(1);
      assertThat(ran.status()).as(all.toString()).isEqualTo(2);
    }
  }

  @Test
  void theHelpSaysWhatACrashMeans() {
    assertThat(Ran.here(Map.of(), "guard", "--help").out())
        .contains("--at-most-once", "may come twice", "PGKEEPER_TOKEN", "--busy-status", "minute");
  }
}
