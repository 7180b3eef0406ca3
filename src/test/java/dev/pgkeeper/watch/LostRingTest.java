package dev.pgkeeper.watch;

import dev.pgkeeper.EventType;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.Tree;
import dev.pgkeeper.WatchMode;
import dev.pgkeeper.WatchedEvent;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/**
 * P7: every watcher comes to know the final state, whatever becomes of the rings and of the
 * connections that they travel on.
 */
class LostRingTest {
  private static final Duration LENGTH =
      Duration.ofSeconds(Integer.getInteger("pgkeeper.watch.seconds", 5));
  private static final int PATHS = 12;

  private final long seed = Long.getLong("pgkeeper.seed", System.nanoTime());

  /** Rings, half of which are lost, or connections that are terminated. */
  private static final int ENOUGH = 5;

  private volatile boolean stopped;

  @Test
  void withEverySecondRingLostTheFinalStateArrivesWithTheSweep() throws Exception {
    try (TestDatabase database = TestDatabase.fresh()) {
      database.execute("CREATE SEQUENCE ${schema}.rings");
      database.execute(
          """
          CREATE OR REPLACE FUNCTION ${schema}.ring(in_path text, in_structural boolean) RETURNS void
          LANGUAGE plpgsql AS $$
          BEGIN
            PERFORM pg_notify('${schema}:' || s.session, in_path)
              FROM (SELECT DISTINCT session FROM ${schema}.watchers_of(in_path, in_structural) AS w (session)) s
              WHERE hashint8extended(nextval('${schema}.rings'), %d) %% 2 = 0;
          END $$
          """
              .formatted(seed));
      run(
          database,
          Duration.ofMillis(300),
          () -> {},
          () -> database.queryLong("SELECT last_value FROM ${schema}.rings") > ENOUGH);
    }
  }

  @Test
  void withConnectionsTerminatedAllTheTimeEveryWatcherEndsUpWithWhatIsThere() throws Exception {
    try (TestDatabase database = TestDatabase.fresh()) {
      AtomicInteger terminated = new AtomicInteger();
      run(
          database,
          Duration.ofDays(1),
          () -> {
            Random random = new Random(seed);
            while (!stopped) {
              long session = sessions.get(random.nextInt(sessions.size()));
              if (SessionLog.terminateBackendOf(database, session)) {
                terminated.incrementAndGet();
              }
              Await.pause(Duration.ofMillis(random.nextInt(300)));
            }
          },
          () -> terminated.get() > ENOUGH);
    }
  }

  private volatile List<Long> sessions = List.of();

  /**
   * Some write, some keep mirrors by each kind of watch; after quiet the mirrors show what is
   * there.
   */
  private void run(
      TestDatabase database, Duration sweep, Runnable meanwhile, BooleanSupplier isEnough)
      throws Exception {
    System.out.println("LostRingTest: -Dpgkeeper.seed=" + seed);
    KeeperOptions options =
        KeeperOptions.defaults()
            .withSchema(database.schema())
            .withSweep(sweep)
            .withGrace(Duration.ofSeconds(10));
    List<Keeper> keepers = new ArrayList<>();
    ExecutorService threads = Executors.newCachedThreadPool();
    try {
      for (int i = 0; i < 3; i++) {
        keepers.add(Keeper.connect(database.dataSource(), options));
      }
      sessions = keepers.stream().map(Keeper::sessionId).toList();
      keepers.get(0).tree().create("/m", bytes(""));
      List<Mirror> mirrors = new ArrayList<>();
      for (Keeper keeper : keepers) {
        mirrors.add(new OneShotMirror(keeper.tree()));
        mirrors.add(new PersistentMirror(keeper.tree()));
        mirrors.add(new RecursiveMirror(keeper.tree()));
      }
      List<CompletableFuture<Void>> running = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        Random random = new Random(seed + i);
        Tree tree = keepers.get(i).tree();
        running.add(CompletableFuture.runAsync(() -> write(tree, random), threads));
      }
      CompletableFuture<Void> beside = CompletableFuture.runAsync(meanwhile, threads);
      Await.pause(LENGTH);
      Await.until(
          Await.LIMIT,
          "enough went wrong",
          () -> isEnough.getAsBoolean() || running.stream().anyMatch(CompletableFuture::isDone));
      stopped = true;
      running.add(beside);
      for (CompletableFuture<Void> one : running) {
        one.get(10, TimeUnit.MINUTES);
      }
      Map<String, String> truth = new TreeMap<>();
      for (int i = 0; i < PATHS; i++) {
        truth.put(path(i), read(keepers.get(0).tree(), path(i)));
      }
      for (Mirror mirror : mirrors) {
        Await.until(
            Await.LIMIT,
            () -> mirror + " shows what is there, " + truth + "; it shows " + mirror.shown,
            () -> mirror.shown.equals(truth));
      }
      // The last cut may have been a moment ago.
      for (Keeper keeper : keepers) {
        Await.until(keeper + " is held again", () -> keeper.state() == SessionState.HELD);
      }
      // Nobody is deaf.
      for (int i = 0; i < PATHS; i++) {
        truth.put(path(i), change(keepers.get(i % 3).tree(), path(i), "last"));
      }
      for (Mirror mirror : mirrors) {
        Await.until(
            Await.LIMIT,
            () -> mirror + " hears of the last changes, " + truth + "; it shows " + mirror.shown,
            () -> mirror.shown.equals(truth));
      }
    } finally {
      stopped = true;
      keepers.forEach(Keeper::close);
      threads.shutdown();
    }
  }

  private static String path(int i) {
    return "/m/" + i;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private void write(Tree tree, Random random) {
    for (int i = 0; !stopped; i++) {
      change(tree, path(random.nextInt(PATHS)), random.nextInt(4) == 0 ? "" : "v" + i);
    }
  }

  /** Sets or creates the node, or deletes it for ""; returns what is there then. */
  private static String change(Tree tree, String path, String value) {
    while (true) {
      try {
        if (value.isEmpty()) {
          tree.delete(path);
        } else {
          tree.set(path, bytes(value));
        }
        return value;
      } catch (KeeperException.NoNode e) {
        if (value.isEmpty()) {
          return value;
        }
      }
      try {
        tree.create(path, bytes(value));
        return value;
      } catch (KeeperException.NodeExists e) {
        // somebody was faster
      }
    }
  }

  private static String read(Tree tree, String path) {
    try {
      return new String(tree.get(path).data(), StandardCharsets.UTF_8);
    } catch (KeeperException.NoNode e) {
      return "";
    }
  }

  /** A copy of all paths that is kept by watches alone. */
  private abstract static class Mirror {
    final Map<String, String> shown = new ConcurrentSkipListMap<>();
    final Tree tree;

    Mirror(Tree tree) {
      this.tree = tree;
    }

    void refreshAfter(WatchedEvent event, String path) {
      if (event.type() != EventType.NONE) {
        refresh(path);
      }
    }

    void refresh(String path) {
      shown.put(path, read(tree, path));
    }

    @Override
    public String toString() {
      return getClass().getSimpleName();
    }
  }

  private static final class OneShotMirror extends Mirror {
    OneShotMirror(Tree tree) {
      super(tree);
      for (int i = 0; i < PATHS; i++) {
        watch(path(i));
      }
    }

    private void watch(String path) {
      tree.exists(
          path,
          event -> {
            if (event.type() != EventType.NONE) {
              watch(path);
            }
          });
      refresh(path);
    }
  }

  private static final class PersistentMirror extends Mirror {
    PersistentMirror(Tree tree) {
      super(tree);
      for (int i = 0; i < PATHS; i++) {
        String path = path(i);
        tree.watch(path, WatchMode.PERSISTENT, event -> refreshAfter(event, path));
        refresh(path);
      }
    }
  }

  private static final class RecursiveMirror extends Mirror {
    RecursiveMirror(Tree tree) {
      super(tree);
      tree.watch(
          "/m",
          WatchMode.PERSISTENT_RECURSIVE,
          event -> {
            if (event.type() != EventType.NONE && event.path().length() > 2) {
              refresh(event.path());
            }
          });
      for (int i = 0; i < PATHS; i++) {
        refresh(path(i));
      }
    }
  }
}
