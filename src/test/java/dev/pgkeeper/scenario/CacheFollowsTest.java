package dev.pgkeeper.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.NewNode;
import dev.pgkeeper.Node;
import dev.pgkeeper.PathNode;
import dev.pgkeeper.Scope;
import dev.pgkeeper.Stat;
import dev.pgkeeper.Tree;
import dev.pgkeeper.recipes.Cache;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Futures;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Scenarios 10 and 11 for caches: several clients change nodes at random, while backends are
 * terminated, connections cut, sessions ended and the server killed. Once that is quiet, every
 * cache is what the database has, and has told its listeners just that.
 */
class CacheFollowsTest {
  private static final String ROOT = "/r";
  private static final Duration QUIET = Duration.ofSeconds(30);
  private static final Duration SHORT = Duration.ofMillis(300);

  private final long seed = Scenario.seed("CacheFollowsTest");
  private volatile boolean stopped;

  @Test
  void afterTerminatedBackendsCutConnectionsAndEndedSessionsEveryCacheIsTheDatabase()
      throws Exception {
    try (TestDatabase database = TestDatabase.fresh();
        TcpProxy proxy = TcpProxy.before(database.jdbcUrl())) {
      run(
          database,
          proxy,
          random -> {
            switch (random.nextInt(3)) {
              case 0 ->
                  database.execute(
                      "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"
                          + " AND ((classid::bigint << 32) | objid::bigint) IN"
                          + " (SELECT ${schema}.lock_key('live', id) FROM ${schema}.session)");
              case 1 -> {
                proxy.cut();
                Await.pause(Duration.ofMillis(random.nextInt(300)));
                proxy.mend();
              }
              default ->
                  database.execute(
                      "SELECT ${schema}.session_end(id) FROM ${schema}.session ORDER BY random() LIMIT 1");
            }
          });
    }
  }

  @Test
  void afterAKilledServerEveryCacheIsTheDatabase() throws Exception {
    try (PrivateServer server = PrivateServer.start();
        TestDatabase database = TestDatabase.freshOn(server);
        TcpProxy proxy = TcpProxy.before(database.jdbcUrl())) {
      boolean[] killed = {false};
      run(
          database,
          proxy,
          random -> {
            if (!killed[0]) {
              killed[0] = true;
              server.kill9();
              server.startAgain();
            }
          });
      assertThat(killed[0]).isTrue();
    }
  }

  @Test
  void theCheckerSeesACacheThatMissesAChange() throws Exception {
    try (TestDatabase database = TestDatabase.fresh();
        TcpProxy proxy = TcpProxy.before(database.jdbcUrl());
        Keeper cutOff = Keeper.connect(through(proxy, database), options(database));
        Keeper writer = Keeper.connect(database.plainDataSource(), options(database))) {
      Map<Cache, Mirror> caches = caches(cutOff);
      change(writer.tree(), "/r/a", 0);
      compare(database, caches, QUIET);
      proxy.cut();
      change(writer.tree(), "/r/a", 5);
      assertThatThrownBy(() -> compare(database, caches, SHORT))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("is {/r/a=v5");
    }
  }

  @Test
  void theCheckerSeesAListenerThatMissesAChangeOrIsToldOneTwice() throws Exception {
    try (TestDatabase database = TestDatabase.fresh();
        Keeper keeper = Keeper.connect(database.plainDataSource(), options(database));
        Cache cache = keeper.cache(ROOT, Scope.SUBTREE)) {
      change(keeper.tree(), ROOT, 0);
      assertThatThrownBy(() -> compare(database, Map.of(cache, new Mirror()), SHORT))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("it told of []");
      Mirror twice = new Mirror();
      cache.listen(twice::changed);
      cache.listen(twice::changed);
      assertThatThrownBy(() -> compare(database, Map.of(cache, twice), SHORT))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("but /r was");
    }
  }

  private interface Fault {
    void happen(Random random);
  }

  private void run(TestDatabase database, TcpProxy proxy, Fault fault) throws Exception {
    PGSimpleDataSource source = through(proxy, database);
    KeeperOptions options = options(database);
    try (Keeper first = Keeper.connect(source, options);
        Keeper second = Keeper.connect(source, options.withSweep(Duration.ofHours(1)))) {
      Map<Cache, Mirror> caches = caches(first, second);
      List<CompletableFuture<Integer>> writing = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        Random random = new Random(seed + i);
        writing.add(Futures.onThread(() -> write(database, random)));
      }
      Random random = new Random(seed);
      long end = System.nanoTime() + Scenario.length(6).toNanos();
      while (System.nanoTime() < end) {
        Await.pause(Duration.ofMillis(200 + random.nextInt(600)));
        fault.happen(random);
      }
      stopped = true;
      int changes = 0;
      for (CompletableFuture<Integer> each : writing) {
        changes += each.get();
      }
      assertThat(changes).isGreaterThan(30);
      compare(database, caches, QUIET);
      // Nobody is deaf.
      try (Keeper last = Keeper.connect(database.plainDataSource(), options)) {
        for (String path : PATHS) {
          change(last.tree(), path, 0);
        }
      }
      compare(database, caches, QUIET);
    } finally {
      stopped = true;
    }
  }

  private static PGSimpleDataSource through(TcpProxy proxy, TestDatabase database) {
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl(proxy.through(database.jdbcUrl()));
    return source;
  }

  private static KeeperOptions options(TestDatabase database) {
    return Scenario.SHORT_SESSIONS
        .withSchema(database.schema())
        .withOperationTimeout(Duration.ofSeconds(20));
  }

  /** One of each scope, closed with its keeper, and what each tells. */
  private static Map<Cache, Mirror> caches(Keeper... keepers) {
    Map<Cache, Mirror> caches = new LinkedHashMap<>();
    for (Keeper keeper : keepers) {
      for (Scope scope : Scope.values()) {
        Cache cache = keeper.cache(ROOT, scope);
        Mirror mirror = new Mirror();
        cache.listen(mirror::changed);
        caches.put(cache, mirror);
      }
    }
    return caches;
  }

  private static void compare(TestDatabase database, Map<Cache, Mirror> caches, Duration patience) {
    try (Keeper looking = Keeper.connect(database.plainDataSource(), options(database))) {
      caches.forEach(
          (cache, mirror) -> {
            Scope scope =
                Stream.of(Scope.values())
                    .filter(each -> cache.toString().contains(each.name()))
                    .findFirst()
                    .orElseThrow();
            Map<String, String> truth =
                shown(looking.tree().nodePage(scope, ROOT, "", 10_000).nodes().stream());
            Await.until(
                patience,
                () -> cache + " is " + truth + "; it is " + shown(cache.stream()),
                () -> shown(cache.stream()).equals(truth));
            Await.until(
                patience,
                () -> cache + " told of " + truth + "; it told of " + mirror.told(),
                () -> mirror.told().equals(truth.keySet().toString()));
          });
    }
  }

  private static Map<String, String> shown(Stream<PathNode> nodes) {
    return nodes.collect(
        Collectors.toMap(PathNode::path, each -> shown(each.node()), (a, b) -> a, TreeMap::new));
  }

  /**
   * Without pzxid: of two that create the same node at the same time the second leaves its number
   * there, though nothing has come or gone, and nobody is rung for that.
   */
  private static String shown(Node node) {
    Stat stat = node.stat();
    return "%s created by %d at %s for %d, changed by %d at %s, version %d, %d children, cversion %d"
        .formatted(
            new String(node.data(), StandardCharsets.UTF_8),
            stat.czxid(),
            stat.ctime(),
            stat.ephemeralOwner(),
            stat.mzxid(),
            stat.mtime(),
            stat.version(),
            stat.numChildren(),
            stat.cversion());
  }

  /** What a listener knows: each change has to follow from the one before it. */
  private static final class Mirror {
    private final TreeMap<String, Long> known = new TreeMap<>();
    private String broken = "";

    synchronized void changed(dev.pgkeeper.recipes.CacheChange change) {
      Long before = change.before() == null ? null : change.before().stat().mzxid();
      Long expected = known.get(change.path());
      if (before == null ? expected != null : !before.equals(expected)) {
        broken = " but " + change.path() + " was " + expected + " and not " + before;
      }
      if (change.now() == null) {
        known.remove(change.path());
      } else {
        known.put(change.path(), change.now().stat().mzxid());
      }
    }

    synchronized String told() {
      return known.keySet() + broken;
    }
  }

  private static final List<String> PATHS =
      List.of("/r", "/r/a", "/r/a!", "/r/a/x", "/r/a/x/1", "/r/a/y", "/r/b", "/r/b/z", "/r/c");

  private int write(TestDatabase database, Random random) {
    int changes = 0;
    try (Keeper keeper =
        Keeper.connect(
            database.plainDataSource(),
            KeeperOptions.defaults()
                .withSchema(database.schema())
                .withOperationTimeout(Duration.ofSeconds(20)))) {
      Keeper[] now = {keeper};
      keeper.inEachSession(
          next -> {
            now[0] = next;
            return () -> {};
          });
      while (!stopped) {
        try {
          change(now[0].tree(), PATHS.get(random.nextInt(PATHS.size())), random.nextInt(10));
          changes++;
        } catch (KeeperException e) {
          Await.pause(Duration.ofMillis(20)); // the session was ended, or the node is not as it was
        }
      }
    }
    return changes;
  }

  private static void change(Tree tree, String path, int what) {
    try {
      if (what < 5) {
        tree.create(NewNode.at(path).data(bytes(what)).withParents());
      } else if (what < 8) {
        tree.set(path, bytes(what));
      } else if (what == 8) {
        tree.delete(path);
      } else {
        tree.deleteRecursive(path);
      }
    } catch (KeeperException.NoNode | KeeperException.NodeExists | KeeperException.NotEmpty e) {
      // not as it was thought to be
    }
  }

  private static byte[] bytes(int what) {
    return ("v" + what).getBytes(StandardCharsets.UTF_8);
  }
}
