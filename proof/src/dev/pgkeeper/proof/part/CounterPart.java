package dev.pgkeeper.proof.part;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Finding;
import dev.pgkeeper.proof.check.Verdict;
import dev.pgkeeper.scenario.CounterHistory;
import dev.pgkeeper.scenario.CounterHistory.Done;
import dev.pgkeeper.shared.Counter;
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
import java.util.concurrent.atomic.AtomicBoolean;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A counter that several clients add to, compare and read, while replies are lost, backends are
 * terminated and the server is stopped and killed. Each waits until it has its answer, so every
 * answer is known.
 */
public final class CounterPart implements Part {
  private static final int CLIENTS = 3;
  private static final int THREADS = 4;
  private static final String PATH = "/counter";

  /** So many requests pass for each that meets with one of the fates that there are. */
  private static final int PASSING = 40;

  private static final int FAULTS = 6;
  private static final int ENOUGH = 200;
  private static final Duration PATIENCE = Duration.ofMinutes(10);

  @Override
  public String name() {
    return "counter";
  }

  @Override
  public List<Integer> scenarios() {
    return List.of(7, 20);
  }

  @Override
  public String summary() {
    return "clients add to one counter while replies are lost, backends and the server killed";
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    Random random = settings.random(name());
    Queue<Done> done = new ConcurrentLinkedQueue<>();
    AtomicBoolean stopped = new AtomicBoolean();
    List<Keeper> keepers = new ArrayList<>();
    try (PrivateServer server = PrivateServer.start();
        TestDatabase database = TestDatabase.freshOn(server);
        TcpProxy network = TcpProxy.before(server.jdbcUrl())) {
      try {
        for (int i = 0; i < CLIENTS; i++) {
          keepers.add(connect(database, network));
        }
        Random fates = new Random(random.nextLong());
        List<Fate> mix = TcpProxy.mix(PASSING);
        network.decideBy(
            () -> {
              synchronized (fates) {
                return mix.get(fates.nextInt(mix.size()));
              }
            });
        List<CompletableFuture<Boolean>> running = new ArrayList<>();
        for (int i = 0; i < CLIENTS * THREADS; i++) {
          Counter counter = keepers.get(i % CLIENTS).counter(PATH);
          Random own = new Random(random.nextLong());
          running.add(Futures.onThread(() -> use(counter, own, done, stopped)));
        }
        disturb(server, database, settings.share());
        Await.until(
            PATIENCE,
            () -> ENOUGH + " operations; there are " + done.size(),
            () -> done.size() > ENOUGH || running.stream().anyMatch(CompletableFuture::isDone));
        stopped.set(true);
        for (CompletableFuture<Boolean> one : running) {
          one.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        }
        network.decideBy(() -> Fate.PASSES);
        List<String> problems =
            new CounterHistory(List.copyOf(done)).problems(keepers.get(0).counter(PATH).get());
        return new Result(
            List.of(
                new Verdict(
                    name(),
                    "what every client was answered has an order in which each addition counts once",
                    scenarios(),
                    new Finding(done.size(), "answers", problems),
                    false)),
            List.of("requests: " + network.fates()),
            null);
      } finally {
        stopped.set(true);
        keepers.forEach(Keeper::close);
      }
    }
  }

  private static Keeper connect(TestDatabase database, TcpProxy network) {
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl(network.through(database.jdbcUrl()));
    return Keeper.connect(
        source,
        KeeperOptions.defaults()
            .withSchema(database.schema())
            .withTimeout(PATIENCE)
            .withOperationTimeout(PATIENCE)
            .withListener(database::connect));
  }

  private static boolean use(
      Counter counter, Random random, Queue<Done> done, AtomicBoolean stopped) {
    while (!stopped.get()) {
      long asked = System.nanoTime();
      switch (random.nextInt(4)) {
        case 0 -> {
          long seen = counter.get();
          note(done, asked, seen, seen);
        }
        case 1 -> {
          long seen = counter.get();
          note(done, asked, seen, seen);
          long greater = seen + 1 + random.nextInt(5);
          asked = System.nanoTime();
          if (counter.compareAndSet(seen, greater)) {
            note(done, asked, seen, greater);
          }
        }
        default -> {
          long delta = 1 + random.nextInt(1000);
          long sum = counter.add(delta);
          note(done, asked, sum - delta, sum);
        }
      }
    }
    return true;
  }

  private static void note(Queue<Done> done, long asked, long before, long after) {
    done.add(new Done(asked, System.nanoTime(), before, after));
  }

  private static void disturb(PrivateServer server, TestDatabase database, Duration length) {
    for (int i = 0; i < FAULTS; i++) {
      Await.pause(length.dividedBy(FAULTS));
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
}
