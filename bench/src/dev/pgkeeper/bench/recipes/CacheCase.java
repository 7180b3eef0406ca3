package dev.pgkeeper.bench.recipes;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Comparison;
import dev.pgkeeper.bench.Figure;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Series;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.bench.server.ZooKeeperServer;
import dev.pgkeeper.cache.NodeCache;
import dev.pgkeeper.tree.Scope;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.retry.ExponentialBackoffRetry;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;

/**
 * The cache of a subtree of 100,000 nodes of 16 bytes: how long until all of it is there, and how
 * much memory each node takes. The caches are started in turns, all in this process.
 */
final class CacheCase implements Case {
  private static final int PARENTS = 100;
  private static final int PARENTS_QUICK = 20;
  private static final int CHILDREN = 1000;
  private static final byte[] DATA = new byte[16];
  private static final String ROOT = "/cached";

  @Override
  public String name() {
    return "recipes.cache";
  }

  /** A cache that is there. */
  private record Started(AutoCloseable cache, int nodes) {}

  private static final class Subject {
    final String name;
    final Callable<Started> start;
    final int nodes;
    final List<Double> seconds = new ArrayList<>();
    final List<Double> bytes = new ArrayList<>();

    Subject(String name, Callable<Started> start, int nodes) {
      this.name = name;
      this.start = start;
      this.nodes = nodes;
    }

    void round(boolean counts) throws Exception {
      long before = usedBytes();
      long began = System.nanoTime();
      Started started = start.call();
      double took = (System.nanoTime() - began) / 1e9;
      double used = usedBytes() - before;
      try (AutoCloseable cache = started.cache()) {
        if (started.nodes() != nodes) {
          throw new IllegalStateException(cache + " has " + started.nodes() + " nodes");
        }
      }
      if (counts) {
        seconds.add(took);
        bytes.add(used / nodes);
      }
    }
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    String url = Postgres.of(lab, report).createMigrated("cache");
    ZooKeeperServer server = ZooKeeperServer.of(lab, report);
    int parents = lab.isQuick() ? PARENTS_QUICK : PARENTS;
    int nodes = 1 + parents + parents * CHILDREN;
    report.setting("%s: %d nodes".formatted(name(), nodes));
    load(server, parents);
    try (HikariDataSource pool = Postgres.pool(url, 4);
        CuratorFramework client =
            CuratorFrameworkFactory.newClient(
                server.address(), new ExponentialBackoffRetry(1000, 3))) {
      load(url, parents);
      client.start();
      try (Keeper keeper = Keeper.connect(pool)) {
        Subject ours = new Subject("pgkeeper", () -> start(keeper), nodes);
        Subject curator = new Subject("curator", () -> start(client), nodes);
        int rounds = lab.isQuick() ? 3 : 5;
        for (int round = -1; round < rounds; round++) {
          ours.round(round >= 0);
          curator.round(round >= 0);
        }
        tell(report, "start", "s", ours, ours.seconds, curator, curator.seconds);
        tell(report, "memory", "bytes/node", ours, ours.bytes, curator, curator.bytes);
      }
    }
  }

  private static Started start(Keeper keeper) throws Exception {
    NodeCache cache = keeper.cache(ROOT, Scope.SUBTREE);
    cache.initialised().get(2, TimeUnit.MINUTES);
    return new Started(cache, cache.size());
  }

  private static Started start(CuratorFramework client) throws Exception {
    CountDownLatch initialised = new CountDownLatch(1);
    CuratorCache cache = CuratorCache.build(client, ROOT);
    cache
        .listenable()
        .addListener(CuratorCacheListener.builder().forInitialized(initialised::countDown).build());
    cache.start();
    if (!initialised.await(2, TimeUnit.MINUTES)) {
      cache.close();
      throw new IllegalStateException("Curator's cache was not there within two minutes");
    }
    return new Started(cache, cache.size());
  }

  private static void load(String url, int parents) throws Exception {
    Postgres.execute(
        url,
        """
        SELECT pgkeeper.create('%1$s/' || p || '/' || c, decode(repeat('00', %2$d), 'hex'), in_parents => true)
          FROM generate_series(0, %3$d - 1) p, generate_series(0, %4$d - 1) c
        """
            .formatted(ROOT, DATA.length, parents, CHILDREN));
    Postgres.settle(url);
  }

  private static void load(ZooKeeperServer server, int parents) throws Exception {
    try (ZooKeeper zooKeeper = server.connect()) {
      create(zooKeeper, List.of(ROOT));
      for (int parent = 0; parent < parents; parent++) {
        List<String> paths = new ArrayList<>(List.of(ROOT + "/" + parent));
        for (int child = 0; child < CHILDREN; child++) {
          paths.add(ROOT + "/" + parent + "/" + child);
        }
        create(zooKeeper, paths);
      }
    }
  }

  private static void create(ZooKeeper zooKeeper, List<String> paths) throws Exception {
    zooKeeper.multi(
        paths.stream()
            .map(path -> Op.create(path, DATA, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT))
            .toList());
  }

  private static long usedBytes() throws InterruptedException {
    for (int i = 0; i < 3; i++) {
      System.gc();
      Thread.sleep(100);
    }
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  private void tell(
      Report report,
      String what,
      String unit,
      Subject ours,
      List<Double> our,
      Subject theirs,
      List<Double> their) {
    String caseName = name() + "." + what;
    Series own = Series.of(our);
    Series other = Series.of(their);
    report.figure(Figure.ofRounds(caseName, ours.name, 1, unit, own));
    report.figure(Figure.ofRounds(caseName, theirs.name, 1, unit, other));
    report.comparison(
        Comparison.ofRounds(
            caseName, 1, ours.name, theirs.name, own.ratioTo(other), Target.atMost(1)));
  }
}
