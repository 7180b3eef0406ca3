package dev.pgkeeper.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.recipes.Counter;
import dev.pgkeeper.scenario.CounterHistory.Done;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Futures;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TcpProxy.Fate;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * A counter that several clients add to, compare and read, while replies are lost, backends are
 * terminated and the server is restarted and killed.
 */
class CountedByAllTest {
  private static final Duration SLOW_LIMIT = Duration.ofMinutes(3);
  private static final int CLIENTS = 3;
  private static final int THREADS = 4;
  private static final String PATH = "/scenario/counter";

  private final Queue<Done> done = new ConcurrentLinkedQueue<>();
  private volatile boolean stopped;

  @Test
  void whatEverybodyWasAnsweredHasAnOrderAlthoughEverythingBreaks() throws Exception {
    long seed = Scenario.seed("CountedByAllTest");
    List<Keeper> keepers = new ArrayList<>();
    List<HikariDataSource> pools = new ArrayList<>();
    try (PrivateServer server = PrivateServer.start();
        TestDatabase database = TestDatabase.freshOn(server);
        TcpProxy proxy = TcpProxy.before(database.jdbcUrl())) {
      try {
        for (int i = 0; i < CLIENTS; i++) {
          HikariConfig config = new HikariConfig();
          config.setJdbcUrl(proxy.through(database.jdbcUrl()));
          config.setMaximumPoolSize(THREADS);
          config.setConnectionTimeout(Duration.ofSeconds(5).toMillis());
          pools.add(new HikariDataSource(config));
          keepers.add(
              Keeper.connect(
                  pools.get(i),
                  KeeperOptions.defaults()
                      .withSchema(database.schema())
                      .withOperationTimeout(Duration.ofMinutes(2))
                      .withListener(database::connect)));
        }
        Random fates = new Random(seed);
        List<Fate> mix = TcpProxy.mix(40);
        proxy.decideBy(() -> mix.get(fates.nextInt(mix.size())));
        List<CompletableFuture<Boolean>> running = new ArrayList<>();
        for (int i = 0; i < CLIENTS * THREADS; i++) {
          Counter counter = keepers.get(i % CLIENTS).counter(PATH);
          Random random = new Random(seed + i);
          running.add(Futures.onThread(() -> use(counter, random)));
        }
        disturb(server, database);
        Await.until(
            SLOW_LIMIT,
            "more than 500 done",
            () -> done.size() > 500 || running.stream().anyMatch(CompletableFuture::isDone));
        stopped = true;
        for (CompletableFuture<Boolean> one : running) {
          one.get(60, TimeUnit.SECONDS);
        }
        proxy.decideBy(() -> Fate.PASSES);
        System.out.println("CountedByAllTest: " + done.size() + " done; " + proxy.fates());
        assertThat(done).hasSizeGreaterThan(500);
        assertThat(
                new CounterHistory(List.copyOf(done)).problems(keepers.get(0).counter(PATH).get()))
            .isEmpty();
      } finally {
        stopped = true;
        keepers.forEach(Keeper::close);
        pools.forEach(HikariDataSource::close);
      }
    }
  }

  private boolean use(Counter counter, Random random) {
    while (!stopped) {
      long asked = System.nanoTime();
      switch (random.nextInt(4)) {
        case 0 -> {
          long seen = counter.get();
          note(asked, seen, seen);
        }
        case 1 -> {
          long seen = counter.get();
          note(asked, seen, seen);
          long greater = seen + 1 + random.nextInt(5);
          asked = System.nanoTime();
          if (counter.compareAndSet(seen, greater)) {
            note(asked, seen, greater);
          }
        }
        default -> {
          long delta = 1 + random.nextInt(1000);
          long sum = counter.add(delta);
          note(asked, sum - delta, sum);
        }
      }
    }
    return true;
  }

  private void note(long asked, long before, long after) {
    done.add(new Done(asked, System.nanoTime(), before, after));
  }

  private static void disturb(PrivateServer server, TestDatabase database) {
    for (int i = 0; i < 6; i++) {
      Await.pause(Scenario.length(6).dividedBy(6));
      switch (i % 3) {
        case 0 ->
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                    + " AND backend_type = 'client backend' AND random() < 0.7");
        case 1 -> {
          server.stopFast();
          server.startAgain();
        }
        default -> {
          server.kill9();
          server.startAgain();
        }
      }
    }
  }

  @Test
  void aHistoryWithAFlawIsFound() {
    Done first = new Done(10, 20, 0, 5);
    Done second = new Done(15, 40, 5, 8);
    assertThat(new CounterHistory(List.of(first, second)).problems(8)).isEmpty();
    assertThat(new CounterHistory(List.of(first, second)).problems(11))
        .singleElement()
        .asString()
        .startsWith("the end is 11");
    assertThat(new CounterHistory(List.of(first, new Done(15, 40, 6, 8))).problems(8))
        .singleElement()
        .asString()
        .startsWith("lost before");
    assertThat(new CounterHistory(List.of(first, new Done(15, 40, 0, 5))).problems(5))
        .anyMatch(problem -> problem.startsWith("done twice"));
    assertThat(new CounterHistory(List.of(first, second, new Done(50, 60, 7, 7))).problems(8))
        .anyMatch(problem -> problem.startsWith("never was so"));
    assertThat(new CounterHistory(List.of(first, second, new Done(50, 60, 5, 5))).problems(8))
        .singleElement()
        .asString()
        .startsWith("out of time");
    assertThat(
            new CounterHistory(List.of(first, new Done(50, 60, 5, 8), new Done(30, 40, 8, 8)))
                .problems(8))
        .singleElement()
        .asString()
        .startsWith("seen too early");
    Done reversed = new Done(1, 5, 5, 8);
    assertThat(new CounterHistory(List.of(first, reversed)).problems(8))
        .singleElement()
        .asString()
        .startsWith("out of time");
  }
}
