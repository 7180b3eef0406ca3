package dev.pgkeeper.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Await;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A job tick's database effects commit at most once across the fleet. */
class OnceTest {
  private static JobFixture fixture;
  private static Keeper keeper;
  private static Jobs guard;
  private static Jobs other;

  @BeforeAll
  static void connect() {
    fixture = new JobFixture();
    keeper = fixture.connect("one");
    guard = keeper.jobs();
    other = fixture.connect("other").jobs();
  }

  @AfterAll
  static void close() {
    fixture.close();
  }

  @Test
  void aTickThatWasDoneIsNotRunAgainByAnybody() throws Exception {
    assertThat(guard.once("again", "t", connection -> fixture.effect(connection, "again")))
        .isEqualTo(RunResult.RAN);
    for (Jobs asks : new Jobs[] {guard, other}) {
      assertThat(asks.once("again", "t", connection -> fixture.effect(connection, "again")))
          .isEqualTo(RunResult.DONE_BEFORE);
    }
    assertThat(fixture.effects("again")).isEqualTo(1);
    assertThat(fixture.run("again", "tick, state, attempt, client, ended >= started"))
        .isEqualTo("t done 1 one t");
    assertThat(guard.once("again", "another", connection -> {})).isEqualTo(RunResult.RAN);
  }

  @Test
  void theRunShowsInSqlBeforeItsEffectsAndIsDoneInTheSameCommit() throws Exception {
    guard.once(
        "shows",
        "t",
        connection -> {
          fixture.effect(connection, "shows");
          assertThat(fixture.effects("shows")).isZero();
          assertThat(fixture.run("shows", "state, attempt, session, duration IS NOT NULL"))
              .isEqualTo("running 1 " + keeper.session().id() + " t");
        });
    assertThat(fixture.effects("shows")).isEqualTo(1);
    assertThat(
            fixture.database.queryString(
                "SELECT concat_ws(' ', last_tick, last_state, running, paused) FROM ${schema}.jobs WHERE job = 'shows'"))
        .isEqualTo("t done 0");
    assertThat(
            fixture.database.queryString(
                "SELECT r.xmin = e.xmin FROM ${schema}.job_run r JOIN ${schema}.effect e USING (job) WHERE job = 'shows'"))
        .as("one transaction wrote both")
        .isEqualTo("t");
  }

  @Test
  void aFailureIsRecordedPassesThroughLeavesNothingAndMayBeTriedAgain() throws Exception {
    assertThatThrownBy(
            () ->
                guard.once(
                    "fails",
                    "t",
                    connection -> {
                      fixture.effect(connection, "fails");
                      throw new IOException("boom" + "!".repeat(1000));
                    }))
        .isInstanceOf(IOException.class);
    assertThat(fixture.effects("fails")).isZero();
    assertThat(fixture.run("fails", "state, attempt, left(error, 28), length(error)"))
        .isEqualTo("failed 1 java.io.IOException: boom!!! 500");
    assertThat(other.once("fails", "t", connection -> fixture.effect(connection, "fails")))
        .isEqualTo(RunResult.RAN);
    assertThat(fixture.run("fails", "state, attempt, client")).isEqualTo("done 2 other");
    assertThat(fixture.effects("fails")).isEqualTo(1);
  }

  @Test
  void whileItRunsNobodyElseRunsItAndNobodyWaits() throws Exception {
    CountDownLatch runs = new CountDownLatch(1);
    CountDownLatch asked = new CountDownLatch(1);
    CompletableFuture<RunResult> first =
        CompletableFuture.supplyAsync(
            () ->
                once(
                    guard,
                    "busy",
                    connection -> {
                      runs.countDown();
                      assertThat(asked.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
                    }));
    assertThat(runs.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    for (Jobs asks : new Jobs[] {other, guard}) {
      assertThat(once(asks, "busy", connection -> fixture.effect(connection, "busy")))
          .isEqualTo(RunResult.RUNNING_ELSEWHERE);
    }
    asked.countDown();
    assertThat(first.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isEqualTo(RunResult.RAN);
    assertThat(fixture.effects("busy")).isZero();
  }

  private static RunResult once(
      Jobs asks, String job, dev.pgkeeper.TransactionWork<Exception> work) {
    try {
      return asks.once(job, "t", work);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aLiveOwnersRunIsLeftAloneAndADeadOwnersIsTakenOver() throws Exception {
    long owner = fixture.openSession();
    fixture.database.execute("SELECT ${schema}.job_claim(" + owner + ", 'dead', 't')");
    assertThat(guard.once("dead", "t", connection -> fixture.effect(connection, "dead")))
        .isEqualTo(RunResult.RUNNING_ELSEWHERE);
    assertThat(fixture.run("dead", "state, attempt, client")).isEqualTo("running 1 nobody");
    fixture.endSession(owner);
    assertThat(fixture.run("dead", "state, attempt"))
        .as("by the clock, before anybody marked it")
        .isEqualTo("abandoned 1");
    fixture.database.execute("SELECT ${schema}.mark_abandoned_runs()");
    assertThat(
            fixture.database.queryString(
                "SELECT state || ' ' || error FROM ${schema}.job_run WHERE job = 'dead'"))
        .startsWith("abandoned attempt 1 was abandoned: its session was over (session " + owner);
    String token = fixture.run("dead", "token");
    assertThat(guard.once("dead", "t", connection -> fixture.effect(connection, "dead")))
        .isEqualTo(RunResult.RAN);
    assertThat(fixture.run("dead", "state, attempt, token > " + token)).isEqualTo("done 2 t");
    assertThat(fixture.effects("dead")).isEqualTo(1);
  }

  /**
   * The owner was stopped in the middle of its transaction, and goes on after its session's end.
   */
  @Test
  void aDeadOwnersOpenTransactionIsWaitedOutAndItsCommitCounts() throws Exception {
    long owner = fixture.openSession();
    fixture.database.execute("SELECT ${schema}.job_claim(" + owner + ", 'paused owner', 't')");
    String attempt = "(" + owner + ", 'paused owner', 't', 1";
    try (Connection connection = fixture.database.connect()) {
      connection.setAutoCommit(false);
      fixture.execute(
          connection,
          "CREATE TEMP TABLE held ON COMMIT DROP AS SELECT ${schema}.job_hold"
              + attempt
              + ") AS id");
      fixture.effect(connection, "paused owner");
      fixture.endSession(owner);
      assertThat(guard.once("paused owner", "t", c -> fixture.effect(c, "paused owner")))
          .isEqualTo(RunResult.RUNNING_ELSEWHERE);
      fixture.execute(connection, "SELECT ${schema}.job_done" + attempt + ", id) FROM held");
      connection.commit();
    }
    assertThat(guard.once("paused owner", "t", c -> fixture.effect(c, "paused owner")))
        .isEqualTo(RunResult.DONE_BEFORE);
    assertThat(fixture.effects("paused owner")).isEqualTo(1);
  }

  @Test
  void anOwnerWhoseRunWasTakenOverCannotBegin() throws Exception {
    long owner = fixture.openSession();
    fixture.database.execute("SELECT ${schema}.job_claim(" + owner + ", 'late', 't')");
    fixture.endSession(owner);
    assertThat(guard.once("late", "t", connection -> {})).isEqualTo(RunResult.RAN);
    for (String late : new String[] {"job_hold", "job_fence"}) {
      assertThatThrownBy(
              () ->
                  fixture.database.execute(
                      "SELECT ${schema}." + late + "(" + owner + ", 'late', 't', 1)"))
          .hasMessageContaining("is not this session's any more");
    }
    assertThat(
            fixture.database.queryString(
                "SELECT ${schema}.job_end(" + owner + ", 'late', 't', 1, 'too late')"))
        .isEqualTo("lost");
    assertThat(fixture.run("late", "state")).isEqualTo("done");
  }

  /** Two claims cross: the one that came second looks at the row before the first one holds it. */
  @Test
  void anOwnerIsNotPutOffByAClaimThatIsJustLookingAtItsRun() throws Exception {
    long owner = fixture.openSession();
    fixture.database.execute("SELECT ${schema}.job_claim(" + owner + ", 'looked at', 't')");
    String hold = "SELECT ${schema}.job_hold(" + owner + ", 'looked at', 't', 1)";
    try (Connection looks = fixture.database.connect()) {
      looks.setAutoCommit(false);
      fixture.execute(
          looks, "SELECT FROM ${schema}.job_run WHERE job = 'looked at' FOR UPDATE SKIP LOCKED");
      CompletableFuture<Void> holds =
          CompletableFuture.runAsync(() -> fixture.database.execute(hold));
      Await.until(
          "the owner waits",
          () ->
              holds.isDone()
                  || fixture.database.queryLong(
                          "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%${schema}.job_hold%'")
                      > 0);
      looks.rollback();
      holds.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
    }
  }

  @Test
  void workThatEndsTheTransactionItWasGivenIsToldSoAndItsRunIsNotDone() {
    assertThatThrownBy(() -> guard.once("commits", "t", Connection::commit))
        .isInstanceOf(KeeperException.DatabaseError.class)
        .hasMessageContaining("ended the transaction that it was given");
    assertThat(fixture.run("commits", "state")).isEqualTo("failed");
  }

  @Test
  void anErrorOfTheDatabaseThatTheWorkSwallowsIsNoSuccess() {
    assertThatThrownBy(
            () ->
                guard.once(
                    "swallows",
                    "t",
                    connection -> {
                      try {
                        fixture.execute(connection, "SELECT 1 / 0");
                      } catch (SQLException e) {
                        assertThat(e.getMessage()).contains("zero");
                      }
                    }))
        .isInstanceOf(KeeperException.DatabaseError.class);
    assertThat(fixture.run("swallows", "state")).isEqualTo("failed");
  }

  @Test
  void aPausedJobRunsNowhereUntilItIsResumed() throws Exception {
    guard.once("paused", "first", connection -> {});
    guard.pause("paused");
    assertThat(other.once("paused", "t", connection -> {})).isEqualTo(RunResult.PAUSED);
    assertThat(other.exclusively("paused", Duration.ofMinutes(1), Duration.ZERO, run -> {}))
        .isEqualTo(RunResult.PAUSED);
    assertThat(
            fixture.database.queryLong(
                "SELECT count(*) FROM ${schema}.jobs WHERE job = 'paused' AND paused <= clock_timestamp()"))
        .isEqualTo(1);
    other.resume("paused");
    assertThat(other.once("paused", "t", connection -> {})).isEqualTo(RunResult.RAN);
    fixture.database.execute("SELECT ${schema}.job_pause('paused')");
    assertThat(other.once("paused", "u", connection -> {})).isEqualTo(RunResult.PAUSED);
    fixture.database.execute("SELECT ${schema}.job_resume('paused')");
    assertThat(other.once("paused", "u", connection -> {})).isEqualTo(RunResult.RAN);
  }

  @Test
  void somebodyWhoPausesInALongTransactionKeepsNobodyWaiting() throws Exception {
    guard.once("pausing", "first", connection -> {});
    try (Connection connection = fixture.database.connect()) {
      connection.setAutoCommit(false);
      fixture.execute(connection, "SELECT ${schema}.job_pause('pausing')");
      assertThat(guard.once("pausing", "t", c -> {})).isEqualTo(RunResult.RAN);
      connection.rollback();
    }
  }

  @Test
  void aJobThatNobodyKnowsCannotBePausedResumedOrTriggered() {
    for (Runnable flip :
        new Runnable[] {
          () -> guard.pause("unknown"),
          () -> guard.resume("unknown"),
          () -> guard.trigger("unknown")
        }) {
      assertThatThrownBy(flip::run)
          .isInstanceOf(KeeperException.NoJob.class)
          .hasMessageContaining("\"unknown\"");
    }
  }

  @Test
  void namesAndTicksThatCannotBeRememberedAreRefused() {
    for (String name : new String[] {"", "x".repeat(101), "two\nlines"}) {
      assertThatThrownBy(() -> guard.once(name, "t", connection -> {}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("a job's name");
      assertThatThrownBy(() -> guard.pause(name)).isInstanceOf(IllegalArgumentException.class);
    }
    for (String tick : new String[] {"", "x".repeat(201), "\u0000"}) {
      assertThatThrownBy(() -> guard.once("bad tick", tick, connection -> {}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("a tick");
    }
    assertThat(
            fixture.database.queryString(
                "SELECT code FROM ${schema}.job_claim(" + keeper.session().id() + ", '', 't')"))
        .isEqualTo("bad_arguments");
  }

  @Test
  void theLongestNamesAreRemembered() throws Exception {
    String job = "ü".repeat(100);
    assertThat(guard.once(job, "é".repeat(200), connection -> {})).isEqualTo(RunResult.RAN);
    assertThat(guard.once(job, "é".repeat(200), connection -> {})).isEqualTo(RunResult.DONE_BEFORE);
  }

  @Test
  void aForgottenTickAndThoseBeforeItNeverRunAgainAndTextsAreNotForgotten() throws Exception {
    Instant tick = Instant.parse("2026-11-01T03:00:00Z");
    guard.once("prunes", tick, connection -> {});
    guard.once("prunes", "2026-11-02", connection -> {});
    guard.once("prunes", "invoice-17", connection -> {});
    guard.once("prunes", Instant.parse("2026-11-03T03:00:00Z"), connection -> {});
    fixture.database.execute(
        "UPDATE ${schema}.job_run SET ended = ended - interval '31 days' WHERE job = 'prunes' AND tick < '2026-11-03' OR kind = 'x'");
    assertThat(fixture.database.queryLong("SELECT ${schema}.prune_job_runs('30 days')"))
        .isEqualTo(2);
    assertThat(
            fixture.database.queryString(
                "SELECT string_agg(tick, ' ' ORDER BY tick) FROM ${schema}.job_runs WHERE job = 'prunes'"))
        .isEqualTo("2026-11-03T03:00:00Z invoice-17");
    assertThat(guard.once("prunes", tick, connection -> {})).isEqualTo(RunResult.DONE_BEFORE);
    assertThat(guard.once("prunes", tick.minusSeconds(1), connection -> {}))
        .isEqualTo(RunResult.DONE_BEFORE);
    assertThat(guard.once("prunes", "2026-11-02", connection -> {}))
        .isEqualTo(RunResult.DONE_BEFORE);
    assertThat(guard.once("prunes", "2026-11-02T12:00:00Z", connection -> {}))
        .isEqualTo(RunResult.RAN);
  }

  @Test
  void theLastRunOfAJobIsNeverForgotten() throws Exception {
    guard.once("last", Instant.parse("2026-11-01T03:00:00Z"), connection -> {});
    fixture.database.execute(
        "UPDATE ${schema}.job_run SET ended = ended - interval '31 days' WHERE job = 'last'");
    fixture.database.execute("SELECT ${schema}.prune_job_runs('30 days')");
    assertThat(fixture.run("last", "state")).isEqualTo("done");
  }
}
