package dev.pgkeeper.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.scenario.GrantLog.Contest;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Threads of several processes take and give back four locks in all the ways there are, cancel,
 * lose patience and die, while their processes are stopped, killed and cut off. What came of it is
 * looked at from four sides; each way to look also finds what is wrong with a lock that is wrong.
 */
class ContendedLockTest {
  private static final long SEED = Scenario.seed("ContendedLockTest");
  private static final KeeperOptions OPTIONS = Scenario.SHORT_SESSIONS;

  private static Run run;
  private static Run wrong;

  private record Run(
      MutexHistory told, List<Contest> decided, List<Contest> remembered, long aheadMicros) {
    static Run of(Crowd crowd, GrantLog log, TestDatabase database) throws Exception {
      MutexHistory told = MutexHistory.of(crowd.finish());
      long ahead = Scenario.databaseClockAheadMicros(database);
      Run run = new Run(told, log.contests(), log.remembered(), ahead);
      System.out.println(
          "ContendedLockTest: "
              + run.grants()
              + " grants, "
              + told.got().size()
              + " told, "
              + (run.decided.size() - run.grants())
              + " gave up; "
              + crowd.happened());
      return run;
    }

    long grants() {
      return decided.stream().filter(Contest::wasGranted).count();
    }
  }

  @BeforeAll
  static void live() throws Exception {
    try (TestDatabase database = TestDatabase.fresh()) {
      GrantLog log = GrantLog.of(database);
      try (Crowd crowd = Crowd.start(database, TakeTheLock.class, OPTIONS, 4, 4, "", SEED)) {
        crowd.workDisturbed(Scenario.length(15));
        crowd.workUntil(
            "more than 500 grants",
            () -> crowd.said("got ") > 500 && log.remembered().size() > 500);
        run = Run.of(crowd, log, database);
      }
    }
    try (TestDatabase database = TestDatabase.fresh()) {
      GrantLog log = GrantLog.of(database);
      // All wait with nodes, whose turn it is is left to chance, and sessions end that are believed
      // in.
      database.execute(
          "CREATE OR REPLACE FUNCTION ${schema}._row_join(in_session bigint, in_line text, in_recipe text,"
              + " in_try boolean, in_key bigint) RETURNS ${schema}.outcome"
              + " LANGUAGE sql AS $$ SELECT NULL::${schema}.outcome $$");
      database.execute(
          "CREATE OR REPLACE FUNCTION ${schema}.is_due(in_line text, in_name text) RETURNS boolean"
              + " LANGUAGE sql VOLATILE AS $$ SELECT random() < 0.5 $$");
      KeeperOptions often = OPTIONS.withSweep(Duration.ofMillis(100));
      try (Crowd crowd = Crowd.start(database, TakeTheLock.class, often, 2, 4, "", SEED)) {
        for (int i = 0; i < 4; i++) {
          crowd.work(Duration.ofMillis(500));
          crowd.endASessionInTheMiddle();
        }
        wrong = Run.of(crowd, log, database);
      }
    }
  }

  @AfterAll
  static void forget() {
    run = null;
    wrong = null;
  }

  @Test
  void theHistoryIsOneOfALinearizableMutex() {
    assertThat(run.told.got().size()).as("grants").isGreaterThan(500);
    assertThat(MutexChecker.violations(run.told)).isEmpty();
  }

  @Test
  void aHistoryOfAWrongMutexIsFound() {
    assertThat(MutexChecker.violations(wrong.told)).isNotEmpty();
  }

  @Test
  void nobodyIsGrantedTheLockWhileSomebodyHasItByTheDatabasesClock() {
    assertThat(OverlapChecker.violations(run.decided)).isEmpty();
  }

  @Test
  void grantsThatOverlapAreFound() {
    assertThat(OverlapChecker.violations(wrong.decided)).isNotEmpty();
  }

  @Test
  void noClientBelievesInALockLongerThanItIsItsOwn() {
    assertThat(BeliefChecker.violations(run.told, run.decided, run.aheadMicros)).isEmpty();
  }

  @Test
  void aBeliefThatLastsTooLongIsFound() {
    assertThat(BeliefChecker.violations(wrong.told, wrong.decided, wrong.aheadMicros)).isNotEmpty();
  }

  @Test
  void grantsComeInTheOrderOfJoiningPastThoseWhoGaveUpOrDied() {
    assertThat(run.decided).anyMatch(contest -> !contest.wasGranted());
    assertThat(FairnessChecker.violations(run.decided)).isEmpty();
  }

  @Test
  void whoGetsAheadIsFound() {
    assertThat(FairnessChecker.violations(wrong.decided)).isNotEmpty();
  }

  @Test
  void noTwoHoldsOfALockOverlapInTheHistory() {
    assertThat(run.remembered).hasSizeGreaterThan(500);
    assertThat(OverlapChecker.violations(run.remembered)).isEmpty();
  }

  @Test
  void holdsThatOverlapInTheHistoryAreFound() {
    assertThat(OverlapChecker.violations(wrong.remembered)).isNotEmpty();
  }

  @Test
  void theHistoryHasEveryHoldThatEndedOnce() {
    assertThat(run.remembered.stream().map(ContendedLockTest::whose).toList())
        .containsExactlyInAnyOrderElementsOf(
            run.decided.stream()
                .filter(contest -> contest.wasGranted() && contest.goneOr(0) != 0)
                .map(ContendedLockTest::whose)
                .toList());
  }

  private static String whose(Contest hold) {
    return hold.line() + " token " + hold.token() + " session " + hold.session();
  }
}
