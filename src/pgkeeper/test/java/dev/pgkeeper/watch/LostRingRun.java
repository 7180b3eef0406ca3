package dev.pgkeeper.watch;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Futures;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.Tree;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/**
 * Clients that write and watch while half of all rings are lost, or while connections are
 * terminated all the time.
 */
public final class LostRingRun {
  private static final int CLIENTS = 3;
  private static final int ENOUGH = 5;
  private static final Duration PATIENCE = Duration.ofMinutes(10);

  private final TestDatabase database;
  private final long seed;
  private final AtomicInteger changes = new AtomicInteger();
  private final AtomicInteger terminated = new AtomicInteger();
  private volatile boolean stopped;

  public LostRingRun(TestDatabase database, long seed) {
    this.database = database;
    this.seed = seed;
  }

  /** Returns how many changes were made. */
  public int changes() {
    return changes.get();
  }

  /** Loses every second ring: the final state has to arrive with the sweep. */
  public List<String> runWithRingsLost(Duration length) throws Exception {
    database.execute("CREATE SEQUENCE ${schema}.rings");
    database.execute(
        """
        CREATE OR REPLACE FUNCTION ${schema}.ring(in_path text, in_structural boolean) RETURNS void
        LANGUAGE plpgsql AS $$
        BEGIN
          PERFORM pg_notify(${schema}.session_channel(s.session), in_path)
            FROM (SELECT DISTINCT session FROM ${schema}._watchers_of(in_path, in_structural) AS w (session)) s
            WHERE hashint8extended(nextval('${schema}.rings'), %d) %% 2 = 0;
        END $$
        """
            .formatted(seed));
    return run(
        length,
        Duration.ofMillis(300),
        sessions -> true,
        () -> database.queryLong("SELECT last_value FROM ${schema}.rings") > ENOUGH);
  }

  /** Terminates connections all the time, without a sweep. */
  public List<String> runWithConnectionsTerminated(Duration length) throws Exception {
    return run(length, Duration.ofDays(1), this::terminate, () -> terminated.get() > ENOUGH);
  }

  private interface Disturbance {
    boolean go(List<Long> sessions);
  }

  private boolean terminate(List<Long> sessions) {
    Random random = new Random(seed);
    while (!stopped) {
      if (SessionLog.terminateBackendOf(database, sessions.get(random.nextInt(sessions.size())))) {
        terminated.incrementAndGet();
      }
      Await.pause(Duration.ofMillis(random.nextInt(300)));
    }
    return true;
  }

  private List<String> run(
      Duration length, Duration sweep, Disturbance disturbance, BooleanSupplier isEnough)
      throws Exception {
    KeeperOptions options =
        KeeperOptions.defaults()
            .withSchema(database.schema())
            .withSweep(sweep)
            .withTimeout(PATIENCE)
            .withGrace(PATIENCE)
            .withOperationTimeout(PATIENCE);
    List<Keeper> keepers = new ArrayList<>();
    try {
      for (int i = 0; i < CLIENTS; i++) {
        keepers.add(Keeper.connect(database.dataSource(), options));
      }
      Mirrors mirrors = new Mirrors(keepers);
      List<CompletableFuture<Boolean>> running = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        Random random = new Random(seed + i);
        Tree tree = keepers.get(i).tree();
        running.add(Futures.onThread(() -> write(tree, random)));
      }
      List<Long> sessions = keepers.stream().map(keeper -> keeper.session().id()).toList();
      CompletableFuture<Boolean> beside = Futures.onThread(() -> disturbance.go(sessions));
      Await.pause(length);
      Await.until(
          PATIENCE,
          "enough went wrong",
          () ->
              isEnough.getAsBoolean()
                  || beside.isCompletedExceptionally()
                  || running.stream().anyMatch(CompletableFuture::isDone));
      stopped = true;
      running.add(beside);
      for (CompletableFuture<Boolean> one : running) {
        one.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      }
      return violations(mirrors, keepers);
    } finally {
      stopped = true;
      keepers.forEach(Keeper::close);
    }
  }

  private static List<String> violations(Mirrors mirrors, List<Keeper> keepers) {
    try {
      mirrors.awaitTruth();
      // The last cut may have been a moment ago.
      for (Keeper keeper : keepers) {
        Await.until(keeper + " is held again", () -> keeper.state() == SessionState.HELD);
      }
      // No watcher is deaf.
      mirrors.changeAll("last");
      mirrors.awaitTruth();
      return List.of();
    } catch (AssertionError e) {
      return List.of(String.valueOf(e.getMessage()));
    }
  }

  private boolean write(Tree tree, Random random) {
    for (int i = 0; !stopped; i++) {
      String path = Mirrors.path(random.nextInt(Mirrors.PATHS));
      Mirrors.change(tree, path, random.nextInt(4) == 0 ? "" : "v" + i);
      changes.incrementAndGet();
    }
    return true;
  }
}
