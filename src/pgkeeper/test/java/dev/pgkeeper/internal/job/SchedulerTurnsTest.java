package dev.pgkeeper.internal.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.job.JobPlan;
import dev.pgkeeper.job.Missed;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What a scheduler does at which time. The test makes the time and takes the turns. */
class SchedulerTurnsTest {
  private static final Instant START = Instant.parse("2030-01-01T00:30:00Z");

  private static TestDatabase database;
  private static Keeper keeper;

  private final SetClock clock = new SetClock();
  private final List<String> ran = new ArrayList<>();

  /** A clock that is put. */
  private static final class SetClock implements TickClock {
    Instant now = START;

    @Override
    public Instant now() {
      return now;
    }

    @Override
    public void heard(Instant databaseTime) {
      // this test's time is its own
    }
  }

  @BeforeAll
  static void connect() {
    database = TestDatabase.fresh();
    keeper =
        Keeper.connect(
            database.dataSource(), KeeperOptions.defaults().withSchema(database.schema()));
  }

  @AfterAll
  static void close() {
    keeper.close();
    database.close();
  }

  private LocalScheduler scheduler() {
    return ((SharedJobs) keeper.jobs()).scheduler(clock);
  }

  private JobPlan hourly(LocalScheduler scheduler, String job) {
    return scheduler.job(job).cron("0 * * * *", ZoneOffset.UTC).jitter(Duration.ZERO);
  }

  private void at(String time, LocalScheduler... schedulers) {
    clock.now = Instant.parse("2030-01-" + time + ":00Z");
    for (LocalScheduler scheduler : schedulers) {
      scheduler.turn();
    }
  }

  private static String ticks(String job) {
    return database.queryString(
        "SELECT coalesce(string_agg(substring(tick FROM 9 FOR 8) || ' ' || state, ', ' ORDER BY token), '') FROM ${schema}.job_runs WHERE job = '"
            + job
            + "'");
  }

  @Test
  void eachTickRunsOnceWhicheverInstanceLooks() {
    LocalScheduler one = scheduler();
    LocalScheduler two = scheduler();
    hourly(one, "hourly").run(connection -> ran.add("one"));
    hourly(two, "hourly").run(connection -> ran.add("two"));
    at("01T00:30", one, two);
    at("01T00:59", two, one);
    assertThat(ran).as("a new job has missed nothing").isEmpty();
    at("01T01:00", one, two);
    at("01T01:30", two, one);
    at("01T02:00", two, one);
    assertThat(ran).containsExactly("one", "two");
    assertThat(ticks("hourly")).isEqualTo("01T01:00 done, 01T02:00 done");
  }

  @Test
  void aTurnTellsWhenTheNextTickIsDue() {
    LocalScheduler scheduler = scheduler();
    scheduler.job("soon").every(Duration.ofMillis(400)).jitter(Duration.ZERO).run(c -> {});
    clock.now = START.plusMillis(100);
    assertThat(scheduler.turn()).isEqualTo(Duration.ofMillis(300));
    LocalScheduler late = scheduler();
    hourly(late, "late").run(c -> {});
    assertThat(late.turn()).as("the next look").isEqualTo(Duration.ofSeconds(1));
  }

  @Test
  void missedTicksAreSkippedIfNothingElseIsSaid() {
    LocalScheduler scheduler = scheduler();
    hourly(scheduler, "skips").run(connection -> ran.add("ran"));
    at("01T00:30", scheduler);
    at("01T05:02", scheduler);
    at("01T05:03", scheduler);
    assertThat(ran).isEmpty();
    at("01T06:00", scheduler);
    assertThat(ticks("skips")).isEqualTo("01T06:00 done");
    at("01T09:01", scheduler);
    assertThat(ticks("skips")).as("a minute is not late").endsWith(", 01T09:00 done");
    LocalScheduler restarted = scheduler();
    hourly(restarted, "skips").missed(Missed.RUN_ALL).run(connection -> ran.add("again"));
    at("01T09:30", restarted);
    assertThat(ran).as("what was skipped stays so").containsExactly("ran", "ran");
  }

  @Test
  void missedTicksAreMadeUpForByOneRun() {
    LocalScheduler scheduler = scheduler();
    hourly(scheduler, "one for all").missed(Missed.RUN_ONCE).run(connection -> ran.add("ran"));
    at("01T00:30", scheduler);
    at("01T05:30", scheduler);
    at("01T05:31", scheduler);
    assertThat(ticks("one for all")).isEqualTo("01T05:00 done");
    assertThat(ran).hasSize(1);
  }

  @Test
  void missedTicksAreAllRunTheOldestFirstUpToTheLimit() {
    LocalScheduler scheduler = scheduler();
    hourly(scheduler, "all").missed(Missed.RUN_ALL).missedAtMost(3).run(c -> ran.add("ran"));
    at("01T00:30", scheduler);
    at("01T02:30", scheduler);
    assertThat(ticks("all")).isEqualTo("01T01:00 done, 01T02:00 done");
    at("02T02:30", scheduler);
    assertThat(ticks("all")).endsWith("02:00 done, 02T00:00 done, 02T01:00 done, 02T02:00 done");
    assertThat(ran).hasSize(5);
  }

  @Test
  void aPausedJobsTicksAreMissedAndWhatIsAskedForByHandRunsAllTheSame() {
    LocalScheduler scheduler = scheduler();
    hourly(scheduler, "paused").missed(Missed.RUN_ONCE).run(connection -> ran.add("ran"));
    at("01T00:30", scheduler);
    keeper.jobs().pause("paused");
    at("01T01:00", scheduler);
    at("01T03:00", scheduler);
    assertThat(ticks("paused")).isEmpty();
    String tick = keeper.jobs().trigger("paused");
    at("01T03:01", scheduler);
    at("01T03:02", scheduler);
    assertThat(
            database.queryString(
                "SELECT tick || ' ' || state FROM ${schema}.job_runs WHERE job = 'paused'"))
        .isEqualTo(tick + " done");
    keeper.jobs().resume("paused");
    at("01T03:30", scheduler);
    assertThat(ticks("paused")).endsWith(", 01T03:00 done");
    assertThat(ran).hasSize(2);
  }

  @Test
  void aRunAskedForInSqlIsRunOnceByWhicheverInstanceSeesItFirst() {
    LocalScheduler one = scheduler();
    LocalScheduler two = scheduler();
    hourly(one, "by hand").run(connection -> ran.add("one"));
    hourly(two, "by hand").run(connection -> ran.add("two"));
    at("01T00:30", one, two);
    assertThat(database.queryString("SELECT ${schema}.job_trigger('by hand')"))
        .startsWith("manual-");
    assertThat(database.queryString("SELECT state FROM ${schema}.job_runs WHERE job = 'by hand'"))
        .isEqualTo("requested");
    at("01T00:31", two, one);
    assertThat(ran).containsExactly("two");
  }

  @Test
  void aFailedTickIsNotTriedAgainAndTheNextOneIs() {
    LocalScheduler scheduler = scheduler();
    hourly(scheduler, "fails")
        .run(
            connection -> {
              ran.add("ran");
              throw new IllegalStateException("as the test wants");
            });
    at("01T00:30", scheduler);
    at("01T01:00", scheduler);
    at("01T01:01", scheduler, scheduler());
    at("01T02:00", scheduler);
    assertThat(ticks("fails")).isEqualTo("01T01:00 failed, 01T02:00 failed");
    assertThat(ran).hasSize(2);
  }

  @Test
  void aTickWhoseOwnerDiedIsTakenOverByAnotherInstance() {
    LocalScheduler scheduler = scheduler();
    hourly(scheduler, "orphan").run(connection -> ran.add("ran"));
    at("01T00:30", scheduler);
    long owner =
        database.queryLong(
            "SELECT ${schema}.session_open(30000, 2000, false, 'nobody', 'nowhere', 1)");
    database.execute(
        "SELECT ${schema}._job_claim("
            + owner
            + ", 'orphan', '2030-01-01T01:00:00Z', 't', '2030-01-01T01:00:00Z', NULL, NULL, false, true)");
    at("01T01:00", scheduler);
    assertThat(ran).isEmpty();
    database.execute("SELECT ${schema}.session_end(" + owner + ")");
    at("01T01:30", scheduler);
    assertThat(ran).hasSize(1);
    assertThat(ticks("orphan")).isEqualTo("01T01:00 done");
  }

  @Test
  void afterEachCountsFromTheEndOfTheLastRunHoweverItEnded() {
    LocalScheduler one = scheduler();
    LocalScheduler two = scheduler();
    for (LocalScheduler each : List.of(one, two)) {
      each.job("after")
          .afterEach(Duration.ofHours(1))
          .jitter(Duration.ZERO)
          .run(
              connection -> {
                ran.add("ran");
                if (ran.size() == 1) {
                  throw new IllegalStateException("as the test wants");
                }
              });
    }
    at("01T00:30", one);
    end("01T00:40");
    at("01T00:41", one, two);
    assertThat(ran).as("at once, and once").hasSize(1);
    at("01T01:39", one, two);
    assertThat(ran).hasSize(1);
    at("01T01:40", two, one);
    assertThat(ran).hasSize(2);
    end("01T01:55");
    at("01T02:54", one, two);
    assertThat(ran).hasSize(2);
    at("01T02:55", one, two);
    assertThat(ran).hasSize(3);
    assertThat(
            database.queryLong(
                "SELECT count(DISTINCT tick) FROM ${schema}.job_runs WHERE job = 'after'"))
        .isEqualTo(3);
  }

  /** The run that ended just now ended at that time. */
  private static void end(String time) {
    database.execute(
        "UPDATE ${schema}.job_run SET ended = '2030-01-"
            + time
            + ":00Z' WHERE job = 'after' AND token = (SELECT max(token) FROM ${schema}.job_run WHERE job = 'after')");
  }

  @Test
  void anAfterEachTickThatIsOutdatedIsRefused() {
    LocalScheduler scheduler = scheduler();
    scheduler.job("stale").afterEach(Duration.ZERO).jitter(Duration.ZERO).run(c -> ran.add("ran"));
    at("01T00:30", scheduler);
    String late =
        "SELECT code FROM ${schema}._job_claim("
            + keeper.session().id()
            + ", 'stale', 'after-%1$s', 'a', NULL, %1$s, NULL, false, true)";
    String last = database.queryString("SELECT token FROM ${schema}.job_runs WHERE job = 'stale'");
    database.execute("DELETE FROM ${schema}.job_run WHERE job = 'stale' AND tick = 'after-1'");
    assertThat(database.queryString(late.formatted("1"))).isEqualTo("done_before");
    assertThat(database.queryString(late.formatted(last))).isEqualTo("ok");
  }

  @Test
  void aJobWithJitterBeginsWithinItAndNotBefore() {
    LocalScheduler scheduler = scheduler();
    scheduler
        .job("jitter")
        .cron("0 * * * *", ZoneOffset.UTC)
        .jitter(Duration.ofMinutes(10))
        .run(connection -> ran.add(clock.now.toString()));
    at("01T00:30", scheduler);
    boolean spread = false;
    for (int hour = 1; hour <= 8; hour++) {
      Instant tick = START.plusSeconds(1800).plus(Duration.ofHours(hour - 1));
      clock.now = tick;
      while (ran.size() < hour && clock.now.isBefore(tick.plus(Duration.ofMinutes(20)))) {
        Duration pause = scheduler.turn();
        if (ran.size() < hour) {
          clock.now = clock.now.plus(pause.isZero() ? Duration.ofMillis(1) : pause);
        }
      }
      assertThat(ran).hasSize(hour);
      assertThat(Instant.parse(ran.get(hour - 1)))
          .isBetween(tick, tick.plus(Duration.ofMinutes(10)).plusSeconds(1));
      spread |= !ran.get(hour - 1).equals(tick.toString());
    }
    assertThat(spread).as("some of them began later than their tick").isTrue();
  }

  @Test
  void aNewScheduleHasMissedNothing() {
    LocalScheduler before = scheduler();
    hourly(before, "changes").missed(Missed.RUN_ALL).run(connection -> ran.add("before"));
    at("01T00:30", before);
    LocalScheduler after = scheduler();
    after
        .job("changes")
        .cron("*/10 * * * *", ZoneOffset.UTC)
        .missed(Missed.RUN_ALL)
        .jitter(Duration.ZERO)
        .run(connection -> ran.add("after"));
    at("01T05:05", after);
    assertThat(ran).isEmpty();
    at("01T05:10", after);
    assertThat(ran).containsExactly("after");
    assertThat(database.queryString("SELECT schedule FROM ${schema}.jobs WHERE job = 'changes'"))
        .isEqualTo("cron */10 * * * * Z");
  }

  @Test
  void oldRunsAreForgottenByTheHouseworkAndNotMadeUpForAgain() {
    LocalScheduler scheduler = scheduler();
    hourly(scheduler, "forgets").missed(Missed.RUN_ALL).run(connection -> ran.add("ran"));
    at("01T00:30", scheduler);
    at("01T03:30", scheduler);
    assertThat(ran).hasSize(3);
    database.execute(
        "UPDATE ${schema}.job_run SET ended = ended - interval '31 days' WHERE job = 'forgets'");
    database.execute(
        "UPDATE ${schema}.job SET skipped = '2030-01-01T00:30Z' WHERE name = 'forgets'");
    scheduler.housework();
    assertThat(ticks("forgets")).isEqualTo("01T03:00 done");
    LocalScheduler restarted = scheduler();
    hourly(restarted, "forgets").missed(Missed.RUN_ALL).run(connection -> ran.add("again"));
    at("01T03:40", restarted);
    assertThat(ran).hasSize(3);
  }
}
