package dev.pgkeeper.guard;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TcpProxy.Fate;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * P9 with real processes that go through the same stream of ticks while they are killed, stopped
 * for longer than their session lasts, and cut off: at most one committed run for each tick, and
 * its effect is there exactly once, or the run is not done.
 *
 * <p>More of it: {@code -Dpgkeeper.guard.ticks=20000 -Dsurefire.timeout=7200}.
 */
class TickStreamTest {
  private static final int TICKS = Integer.getInteger("pgkeeper.guard.ticks", 500);
  private static final long SEED = Long.getLong("pgkeeper.seed", System.nanoTime());
  private static final int WORKERS = 3;
  private static final Duration LIMIT = Duration.ofSeconds(60);

  private final Random random = new Random(SEED);
  private final GuardFixture fixture = new GuardFixture();
  private final TcpProxy proxy = TcpProxy.before(fixture.database.jdbcUrl());
  private final List<ChildProcess> workers = new ArrayList<>();
  private final Map<Trouble, Integer> troubles = new EnumMap<>(Trouble.class);

  private enum Trouble {
    KILLED,
    STOPPED,
    TERMINATED
  }

  @AfterEach
  void close() {
    workers.forEach(ChildProcess::close);
    proxy.close();
    fixture.close();
  }

  private static String named(String url) {
    return url + (url.contains("?") ? "&" : "?") + "ApplicationName=tick-worker";
  }

  /** Every second worker has its work behind the proxy. */
  private void start(int place, String job, int ticks, boolean isProtected)
      throws InterruptedException {
    String url = fixture.database.jdbcUrl();
    ChildProcess worker =
        ChildProcess.start(
            TickWorker.class,
            named(place % 2 == 0 ? proxy.through(url) : url),
            named(url),
            fixture.database.schema(),
            job,
            Integer.toString(ticks),
            Long.toString(random.nextLong()),
            Boolean.toString(isProtected));
    if (place < workers.size()) {
      workers.set(place, worker);
    } else {
      workers.add(worker);
    }
    worker.awaitLine("ready", LIMIT);
  }

  private long done(String job) {
    return fixture.database.queryLong(
        "SELECT count(*) FROM ${schema}.job_runs WHERE state = 'done' AND job = '" + job + "'");
  }

  private void awaitDone(String job, long number) {
    Await.until(
        LIMIT,
        () -> number + " ticks done; there are " + done(job) + " (-Dpgkeeper.seed=" + SEED + ")",
        () -> done(job) >= number);
  }

  private List<String> violations(String job) throws SQLException {
    return TickChecker.violations(fixture.database, job);
  }

  private void disturb() {
    List<Fate> fates = TcpProxy.mix(60);
    proxy.decideBy(
        () -> {
          synchronized (random) {
            return fates.get(random.nextInt(fates.size()));
          }
        });
  }

  private int nextInt(int bound) {
    synchronized (random) {
      return random.nextInt(bound);
    }
  }

  /** Until the process is in the middle of a run, or all is done. */
  private void awaitWork(ChildProcess worker, String job) {
    Await.until(
        LIMIT,
        "it runs something",
        () ->
            done(job) == TICKS
                || fixture.database.queryLong(
                        "SELECT count(*) FROM ${schema}.job_run WHERE state = 'running' AND pid = "
                            + worker.pid())
                    > 0);
  }

  private void makeTrouble(Trouble trouble, String job) throws InterruptedException {
    int place = nextInt(WORKERS);
    switch (trouble) {
      case KILLED -> {
        awaitWork(workers.get(place), job);
        workers.get(place).kill9();
        System.out.println(
            "TickStreamTest: killed while it ran "
                + fixture.database.queryLong(
                    "SELECT count(*) FROM ${schema}.job_run WHERE state = 'running' AND pid = "
                        + workers.get(place).pid()));
        start(place, job, TICKS, true);
      }
      case STOPPED -> {
        awaitWork(workers.get(place), job);
        workers.get(place).stop();
        long session = System.nanoTime();
        Await.until(
            LIMIT,
            "the session of a stopped process is over",
            () ->
                System.nanoTime() - session
                    > TickWorker.TIMEOUT.multipliedBy(5).dividedBy(2).toNanos());
        workers.get(place).cont();
      }
      case TERMINATED ->
          fixture.database.execute(
              "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tick-worker'"
                  + " AND datname = current_database() AND random() < 0.5");
      default -> throw new IllegalArgumentException(trouble.toString());
    }
    troubles.merge(trouble, 1, Integer::sum);
  }

  @Test
  void eachTickIsDoneOnceWhateverHappensToTheProcesses() throws Exception {
    System.out.println("TickStreamTest: -Dpgkeeper.seed=" + SEED);
    for (int place = 0; place < WORKERS; place++) {
      start(place, "stream", TICKS, true);
    }
    disturb();
    int rounds = Math.max(9, TICKS / 100);
    for (int round = 1; round < rounds; round++) {
      awaitDone("stream", (long) TICKS * round / rounds);
      makeTrouble(Trouble.values()[round % Trouble.values().length], "stream");
      assertThat(violations("stream")).as("-Dpgkeeper.seed=" + SEED).isEmpty();
    }
    awaitDone("stream", TICKS);
    for (ChildProcess worker : workers) {
      worker.awaitLine("finished", LIMIT);
    }
    System.out.println(
        "TickStreamTest: taken over "
            + fixture.database.queryLong(
                "SELECT count(*) FROM ${schema}.job_runs WHERE error LIKE 'attempt%abandoned%'"));
    System.out.println("TickStreamTest: " + troubles + " " + proxy.fates());
    assertThat(violations("stream")).as("-Dpgkeeper.seed=" + SEED).isEmpty();
    assertThat(fixture.effects("stream")).isEqualTo(TICKS);
    assertThat(troubles).containsOnlyKeys(Trouble.values());
    assertThat(proxy.fates()).containsKeys(Fate.REPLY_LOST, Fate.LEFT_BEHIND);
    assertThat(
            fixture.database.queryLong("SELECT count(*) FROM ${schema}.job_runs WHERE attempt > 1"))
        .as("runs that were tried again")
        .isPositive();
  }

  /** The same without the protection: effects on a connection of their own. */
  @Test
  void withoutTheProtectionTheCheckerFindsEffectsThatAreThereTwice() throws Exception {
    for (int place = 0; place < 2; place++) {
      start(place, "unprotected", 100, false);
    }
    awaitDone("unprotected", 40);
    workers.get(0).kill9();
    awaitDone("unprotected", 100);
    assertThat(violations("unprotected"))
        .isNotEmpty()
        .anyMatch(
            violation ->
                violation.matches("tick \\d+ is done after \\d attempts, with [2-9] effects"));
  }
}
