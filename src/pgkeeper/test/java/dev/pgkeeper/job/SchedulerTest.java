package dev.pgkeeper.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Futures;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Schedulers as an application runs them, by the database's real clock. */
class SchedulerTest {
  private static JobFixture fixture;

  @BeforeAll
  static void connect() {
    fixture = new JobFixture();
  }

  @AfterAll
  static void close() {
    fixture.close();
  }

  private static Scheduler ticking(Keeper keeper, String job, Set<String> who, boolean onLeader) {
    Scheduler scheduler = keeper.jobs().scheduler();
    JobPlan plan = scheduler.job(job).every(Duration.ofMillis(100)).jitter(Duration.ofMillis(20));
    (onLeader ? plan.onLeader("/leader/" + job.replace(' ', '-')) : plan.spread())
        .run(
            connection -> {
              who.add(keeper.toString());
              fixture.effect(connection, job);
            });
    scheduler.start();
    return scheduler;
  }

  private static void awaitRuns(String job, long number) {
    Await.until(
        number + " runs of " + job,
        () ->
            fixture.database.queryLong(
                    "SELECT count(*) FROM ${schema}.job_runs WHERE state = 'done' AND job = '"
                        + job
                        + "'")
                >= number);
  }

  private static void assertEachTickOnce(String job) {
    assertThat(fixture.effects(job))
        .as("effects, and moments that have a run")
        .isEqualTo(
            fixture.database.queryLong(
                "SELECT count(DISTINCT scheduled) FROM ${schema}.job_runs WHERE state = 'done' AND job = '"
                    + job
                    + "'"));
    assertThat(
            fixture.database.queryLong(
                "SELECT count(*) FROM ${schema}.job_runs WHERE job = '"
                    + job
                    + "' AND (started < scheduled OR extract(epoch FROM scheduled)::numeric % 0.1 <> 0)"))
        .as("runs before their tick, or ticks that are not aligned")
        .isZero();
  }

  @Test
  void everyInstanceTriesAndEachTickRunsOnce() {
    Set<String> who = ConcurrentHashMap.newKeySet();
    try (Scheduler one = ticking(fixture.connect("one"), "spreads", who, false);
        Scheduler two = ticking(fixture.connect("two"), "spreads", who, false);
        Scheduler three = ticking(fixture.connect("three"), "spreads", who, false)) {
      Await.until("all of them ran some", () -> who.size() == 3);
      awaitRuns("spreads", 20);
    }
    assertEachTickOnce("spreads");
  }

  @Test
  void onlyTheLeaderRunsAndTheNextOneTakesOverWithoutDoublingATick() {
    Set<String> who = ConcurrentHashMap.newKeySet();
    Keeper first = fixture.connect("first");
    Keeper second = fixture.connect("second");
    try (Scheduler one = ticking(first, "leads", who, true)) {
      awaitRuns("leads", 3);
      try (Scheduler two = ticking(second, "leads", who, true)) {
        Await.until(
            "the second waits",
            () -> first.line("/leader/leads", "scheduler", 1).contenders().size() == 2);
        awaitRuns("leads", 10);
        assertThat(who).containsExactly(first.toString());
        one.close();
        Await.until("the second leads", () -> who.contains(second.toString()));
      }
    }
    assertEachTickOnce("leads");
  }

  @Test
  void closingWaitsForWorkThatEndsWithinThePatience() throws Exception {
    Keeper keeper = fixture.connect("closing");
    CountDownLatch runs = new CountDownLatch(1);
    CountDownLatch may = new CountDownLatch(1);
    Scheduler scheduler = keeper.jobs().scheduler().patience(Duration.ofMinutes(10));
    scheduler
        .job("quick")
        .afterEach(Duration.ofHours(1))
        .run(
            connection -> {
              runs.countDown();
              may.await();
            });
    scheduler.start();
    assertThat(runs.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    CompletableFuture<?> closing = CompletableFuture.runAsync(scheduler::close);
    assertThatThrownBy(() -> closing.get(100, TimeUnit.MILLISECONDS))
        .isInstanceOf(TimeoutException.class);
    may.countDown();
    Futures.soon(closing);
    assertThat(fixture.run("quick", "state")).isEqualTo("done");
    keeper.close();
  }

  @Test
  void closingInterruptsWorkThatDoesNotEndWithinThePatience() throws Exception {
    Keeper keeper = fixture.connect("closing");
    CountDownLatch runs = new CountDownLatch(1);
    AtomicBoolean interrupted = new AtomicBoolean();
    Duration patience = Duration.ofMillis(700);
    Scheduler scheduler = keeper.jobs().scheduler().patience(patience);
    scheduler
        .job("endless")
        .afterEach(Duration.ofHours(1))
        .run(
            connection -> {
              runs.countDown();
              try {
                new CountDownLatch(1).await();
              } catch (InterruptedException e) {
                interrupted.set(true);
                throw e;
              }
            });
    scheduler.start();
    assertThat(runs.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    long began = System.nanoTime();
    scheduler.close();
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isGreaterThanOrEqualTo(patience);
    assertThat(interrupted).isTrue();
    assertThat(fixture.run("endless", "state, error"))
        .isEqualTo("failed java.lang.InterruptedException");
  }

  @Test
  void whatMakesNoSenseIsRefused() {
    Scheduler scheduler = fixture.connect("refused").jobs().scheduler();
    assertThatThrownBy(() -> scheduler.job("x").cron("0 25 * * *", ZoneOffset.UTC))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("0 25 * * *");
    assertThatThrownBy(() -> scheduler.job("x").every(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> scheduler.job("x").every(Duration.ofNanos(1_500_000)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> scheduler.job("x").afterEach(Duration.ofMillis(-1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> scheduler.job("x").jitter(Duration.ofMillis(-1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> scheduler.job("x").missedAtMost(0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> scheduler.threads(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> scheduler.keepRuns(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> scheduler.patience(Duration.ofMillis(-1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> scheduler.job("x".repeat(101)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> scheduler.job("x").run(connection -> {}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("say when");
    JobPlan plan = scheduler.job("x").every(Duration.ofDays(1));
    assertThatThrownBy(() -> plan.afterEach(Duration.ofDays(1)))
        .isInstanceOf(IllegalStateException.class);
    plan.run(connection -> {});
    assertThatThrownBy(() -> scheduler.job("x").every(Duration.ofDays(1)).run(connection -> {}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("already");
    scheduler.start();
    assertThatThrownBy(scheduler::start).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> scheduler.job("y").every(Duration.ofDays(1)).run(connection -> {}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("started");
    scheduler.close();
  }
}
