package dev.pgkeeper.proof.part;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Finding;
import dev.pgkeeper.proof.check.Verdict;
import dev.pgkeeper.scenario.CacheComparison;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Futures;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Caches of each scope with listeners, one client with a sweep and one without, behind a network
 * that is cut. Meanwhile others change the nodes, sessions are ended, and the server is killed.
 */
public final class CachesPart implements Part {
  private static final int WRITERS = 3;
  private static final int ENOUGH = 50;
  private static final Duration PATIENCE = Duration.ofMinutes(10);

  private static final String TERMINATE_SESSIONS =
      "SELECT pg_terminate_backend(backend) FROM ${schema}.session WHERE direct";

  private static final String END_A_SESSION =
      "SELECT ${schema}.session_end(id) FROM ${schema}.session ORDER BY random() LIMIT 1";

  @Override
  public String name() {
    return "caches";
  }

  @Override
  public List<Integer> scenarios() {
    return List.of(10, 11, 20);
  }

  @Override
  public String summary() {
    return "caches of every scope follow while connections, sessions and the server are lost";
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    Random random = settings.random(name());
    AtomicBoolean stopped = new AtomicBoolean();
    AtomicInteger changes = new AtomicInteger();
    try (PrivateServer server = PrivateServer.start();
        TestDatabase database = TestDatabase.freshOn(server);
        TcpProxy network = TcpProxy.before(server.jdbcUrl())) {
      PGSimpleDataSource source = new PGSimpleDataSource();
      source.setUrl(network.through(database.jdbcUrl()));
      KeeperOptions options =
          options(database)
              .withTimeout(Stage.TIMEOUT)
              .withGrace(Stage.GRACE)
              .withSweep(Stage.SWEEP);
      try (Keeper first = Keeper.connect(source, options);
          Keeper second = Keeper.connect(source, options.withSweep(Duration.ofHours(1)))) {
        CacheComparison comparison = new CacheComparison(database, first, second);
        List<CompletableFuture<Boolean>> writing = new ArrayList<>();
        for (int i = 0; i < WRITERS; i++) {
          Random own = new Random(random.nextLong());
          writing.add(Futures.onThread(() -> write(database, own, changes, stopped)));
        }
        disturb(server, database, network, random, settings.share());
        Await.until(
            PATIENCE,
            () -> ENOUGH + " changes; there are " + changes,
            () -> changes.get() > ENOUGH || writing.stream().anyMatch(CompletableFuture::isDone));
        stopped.set(true);
        for (CompletableFuture<Boolean> one : writing) {
          one.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        }
        List<String> differences = differences(comparison);
        // Nobody is deaf.
        try (Keeper last = Keeper.connect(database.plainDataSource(), options(database))) {
          CacheComparison.PATHS.forEach(path -> CacheComparison.change(last.tree(), path, 0));
        }
        return new Result(
            List.of(
                verdict(
                    "after quiet, each cache is the database and has told its listeners just that",
                    changes,
                    differences),
                verdict(
                    "each goes on to follow what is changed then",
                    changes,
                    differences(comparison))),
            List.of(),
            null);
      } finally {
        stopped.set(true);
      }
    }
  }

  /** What is still wrong once it cannot be for want of time. */
  private static List<String> differences(CacheComparison comparison) {
    try {
      comparison.awaitEqual();
      return List.of();
    } catch (AssertionError e) {
      return List.of(String.valueOf(e.getMessage()));
    }
  }

  private Verdict verdict(String promise, AtomicInteger changes, List<String> violations) {
    return new Verdict(
        name(), promise, scenarios(), new Finding(changes.get(), "changes", violations), false);
  }

  private static KeeperOptions options(TestDatabase database) {
    return KeeperOptions.defaults()
        .withSchema(database.schema())
        .withOperationTimeout(Duration.ofSeconds(20));
  }

  /** The server is killed once, in the middle of it. */
  private static void disturb(
      PrivateServer server,
      TestDatabase database,
      TcpProxy network,
      Random random,
      Duration length) {
    long began = System.nanoTime();
    boolean isKilled = false;
    while (System.nanoTime() - began < length.toNanos() || !isKilled) {
      Await.pause(Duration.ofMillis(200 + random.nextInt(600)));
      if (!isKilled && System.nanoTime() - began > length.dividedBy(2).toNanos()) {
        isKilled = true;
        server.kill9();
        server.startAgain();
      }
      switch (random.nextInt(3)) {
        case 0 -> database.execute(TERMINATE_SESSIONS);
        case 1 -> {
          network.cut();
          Await.pause(Duration.ofMillis(random.nextInt(300)));
          network.mend();
        }
        default -> database.execute(END_A_SESSION);
      }
    }
  }

  private static boolean write(
      TestDatabase database, Random random, AtomicInteger changes, AtomicBoolean stopped) {
    try (Keeper keeper = Keeper.connect(database.plainDataSource(), options(database))) {
      while (!stopped.get()) {
        String path = CacheComparison.PATHS.get(random.nextInt(CacheComparison.PATHS.size()));
        try {
          CacheComparison.change(keeper.tree(), path, random.nextInt(10));
          changes.incrementAndGet();
        } catch (KeeperException e) {
          Await.pause(Duration.ofMillis(20)); // the session was ended, or the server is away
        }
      }
    }
    return true;
  }
}
