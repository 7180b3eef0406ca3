package dev.pgkeeper.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.HoldState;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Await;
import java.io.IOException;
import java.sql.Connection;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ExclusiveTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);

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
  void neverTwoAtOnceAndTheNextOneRightAfter() throws Exception {
    assertThat(
            guard.exclusively(
                "alone",
                MINUTE,
                Duration.ZERO,
                run -> {
                  for (Jobs asks : new Jobs[] {other, guard}) {
                    assertThat(asks.exclusively("alone", MINUTE, Duration.ZERO, second -> {}))
                        .isEqualTo(RunResult.RUNNING_ELSEWHERE);
                  }
                  assertThat(run.isHeld()).isTrue();
                  assertThat(run.remaining()).isPositive().isLessThan(MINUTE);
                  assertThat(run.attempt()).isEqualTo(1);
                  assertThat(run.job()).isEqualTo("alone");
                }))
        .isEqualTo(RunResult.RAN);
    long[] tokens = new long[2];
    other.exclusively("alone", MINUTE, Duration.ZERO, run -> tokens[0] = run.token());
    guard.exclusively("alone", MINUTE, Duration.ZERO, run -> tokens[1] = run.token());
    assertThat(tokens[1]).isGreaterThan(tokens[0]);
    assertThat(
            fixture.database.queryString(
                "SELECT string_agg(state, ' ') FROM ${schema}.job_runs WHERE job = 'alone'"))
        .isEqualTo("done done done");
  }

  @Test
  void notAgainBeforeAtLeastWhoeverAsksAndHoweverItEnded() throws Exception {
    Duration atLeast = Duration.ofSeconds(10);
    assertThatThrownBy(
            () ->
                guard.exclusively(
                    "least",
                    MINUTE,
                    atLeast,
                    run -> {
                      throw new IOException("boom");
                    }))
        .isInstanceOf(IOException.class);
    assertThat(fixture.run("least", "state, error")).isEqualTo("failed java.io.IOException: boom");
    for (Jobs asks : new Jobs[] {other, guard}) {
      assertThat(asks.exclusively("least", MINUTE, Duration.ZERO, run -> {}))
          .isEqualTo(RunResult.TOO_SOON);
    }
    Await.until("the next one may begin", () -> other(run -> {}, "least") == RunResult.RAN);
    assertThat(
            fixture.database.queryString(
                "SELECT max(started) - min(started) >= interval '10 s' FROM ${schema}.job_runs WHERE job = 'least'"))
        .isEqualTo("t");
  }

  private static RunResult other(JobWork<RuntimeException> work, String job) {
    return other.exclusively(job, MINUTE, Duration.ZERO, work);
  }

  @Test
  void afterAtMostTheNextOneHasItAndTheFirstCannotCommit() throws Exception {
    CountDownLatch lost = new CountDownLatch(1);
    assertThatThrownBy(
            () ->
                guard.exclusively(
                    "most",
                    Duration.ofSeconds(10),
                    Duration.ZERO,
                    run -> {
                      run.onLost(lost::countDown);
                      run.inTransaction(connection -> fixture.effect(connection, "most"));
                      assertThat(other(second -> {}, "most"))
                          .isEqualTo(RunResult.RUNNING_ELSEWHERE);
                      assertThat(lost.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
                      assertThat(run.state()).isEqualTo(HoldState.LOST);
                      assertThatThrownBy(run::ensureHeld)
                          .isInstanceOf(KeeperException.NotHeld.class)
                          .hasMessageContaining("job most at turn-")
                          .hasMessageContaining("token " + run.token());
                      Await.until(
                          "the next one has it",
                          () -> other(second -> {}, "most") == RunResult.RAN);
                      try (Connection connection = fixture.database.connect()) {
                        connection.setAutoCommit(false);
                        fixture.effect(connection, "most");
                        assertThatThrownBy(() -> run.fence(connection))
                            .isInstanceOf(KeeperException.NotHeld.class);
                        connection.commit();
                      }
                    }))
        .isInstanceOf(KeeperException.NotHeld.class)
        .hasMessageContaining("given to somebody else");
    assertThat(fixture.effects("most")).isEqualTo(1);
    assertThat(
            fixture.database.queryString(
                "SELECT string_agg(state || coalesce(' ' || substring(error for 42), ''), ', ' ORDER BY token) FROM ${schema}.job_runs WHERE job = 'most'"))
        .isEqualTo("abandoned attempt 1 was abandoned: its limit was ove, done");
  }

  /** The fence stands at the limit; the transaction that has it may still commit, alone. */
  @Test
  void whoWasFencedInTimeIsWaitedForBeforeTheNextOneBegins() throws Exception {
    assertThat(
            guard.exclusively(
                "fenced",
                Duration.ofSeconds(10),
                Duration.ZERO,
                run -> {
                  try (Connection connection = fixture.database.connect()) {
                    connection.setAutoCommit(false);
                    run.fence(connection);
                    fixture.effect(connection, "fenced");
                    Await.until("its time is over", () -> !run.isHeld());
                    Await.until(
                        "its time is over in the database",
                        () -> fixture.run("fenced", "ends < clock_timestamp()").equals("t"));
                    assertThat(other(second -> {}, "fenced"))
                        .isEqualTo(RunResult.RUNNING_ELSEWHERE);
                    connection.commit();
                  }
                  assertThat(fixture.effects("fenced")).isEqualTo(1);
                }))
        .isEqualTo(RunResult.RAN);
    assertThat(other(second -> {}, "fenced")).isEqualTo(RunResult.RAN);
  }

  @Test
  void aSessionsEndFreesTheJobButNeverBeforeAtLeast() {
    long owner = fixture.openSession();
    fixture.database.execute(
        "SELECT ${schema}.job_take_turn(" + owner + ", 'dies', '1 hour', '1 second')");
    assertThat(other(run -> {}, "dies")).isEqualTo(RunResult.RUNNING_ELSEWHERE);
    fixture.endSession(owner);
    Await.until("the next one has it", () -> other(run -> {}, "dies") == RunResult.RAN);
    assertThat(
            fixture.database.queryString(
                "SELECT concat_ws(' ', min(state), max(started) - min(started) >= interval '1 s')"
                    + " FROM ${schema}.job_runs WHERE job = 'dies'"))
        .isEqualTo("abandoned t");
  }

  @Test
  void aRunThatIsClosedEarlyIsDoneAndFree() throws Exception {
    guard.exclusively(
        "early",
        MINUTE,
        Duration.ZERO,
        run -> {
          run.close();
          assertThat(run.state()).isEqualTo(HoldState.RELEASED);
          assertThatThrownBy(run::ensureHeld).isInstanceOf(KeeperException.NotHeld.class);
          assertThat(other(second -> {}, "early")).isEqualTo(RunResult.RAN);
        });
  }

  @Test
  void onceOutsideGrowsItsTokenWithEachAttemptAndMayLeaveWhatWasBegun() throws Exception {
    long[] token = new long[1];
    JobWork<IOException> fails =
        run -> {
          token[0] = run.token();
          throw new IOException("boom");
        };
    assertThatThrownBy(() -> guard.onceOutside("outside", "t", Again.UNTIL_DONE, null, fails))
        .isInstanceOf(IOException.class);
    assertThat(guard.onceOutside("outside", "t", Again.NEVER, null, fails))
        .isEqualTo(RunResult.FAILED_BEFORE);
    assertThat(
            other.onceOutside(
                "outside",
                "t",
                Again.UNTIL_DONE,
                MINUTE,
                run -> {
                  assertThat(run.token()).isGreaterThan(token[0]);
                  assertThat(run.attempt()).isEqualTo(2);
                }))
        .isEqualTo(RunResult.RAN);
    assertThat(guard.onceOutside("outside", "t", Again.UNTIL_DONE, null, fails))
        .isEqualTo(RunResult.DONE_BEFORE);
  }

  @Test
  void whileOneRunsOutsideNeitherAnotherClientNorThisOneBeginsTheSame() throws Exception {
    guard.onceOutside(
        "outside twice",
        "t",
        Again.UNTIL_DONE,
        null,
        run -> {
          for (Jobs asks : new Jobs[] {other, guard}) {
            assertThat(asks.onceOutside("outside twice", "t", Again.UNTIL_DONE, null, second -> {}))
                .isEqualTo(RunResult.RUNNING_ELSEWHERE);
          }
        });
    assertThat(fixture.run("outside twice", "state, attempt")).isEqualTo("done 1");
  }

  @Test
  void limitsThatMakeNoSenseAreRefused() {
    for (Duration[] limits :
        new Duration[][] {
          {Duration.ZERO, Duration.ZERO},
          {Duration.ofSeconds(-1), Duration.ZERO},
          {MINUTE, Duration.ofMillis(-1)},
          {MINUTE, MINUTE.plusMillis(1)},
          {Duration.ofDays(10_001), Duration.ZERO}
        }) {
      assertThatThrownBy(() -> guard.exclusively("limits", limits[0], limits[1], run -> {}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("use ");
    }
    assertThatThrownBy(
            () -> guard.onceOutside("limits", "t", Again.NEVER, Duration.ZERO, run -> {}))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(
            fixture.database.queryString(
                "SELECT code FROM ${schema}.job_take_turn("
                    + keeper.session().id()
                    + ", 'limits', '1 s', '2 s')"))
        .isEqualTo("bad_arguments");
  }
}
