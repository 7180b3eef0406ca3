package dev.pgkeeper.fault;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.CreateMode;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.NewNode;
import dev.pgkeeper.Op;
import dev.pgkeeper.OpResult;
import dev.pgkeeper.Stat;
import dev.pgkeeper.Tree;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TcpProxy.Fate;
import dev.pgkeeper.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * P10: whatever breaks around the commit of a change, its caller learns what became of it, and it
 * is done once.
 */
class LostReplyTest {
  private static final int ROUNDS = Integer.getInteger("pgkeeper.lostreply.rounds", 8);

  /** Enough that their changes go together. */
  private static final int THREADS = 8;

  private static final long SEED = Long.getLong("pgkeeper.seed", System.nanoTime());

  private static TestDatabase database;
  private static TcpProxy proxy;
  private static HikariDataSource pool;
  private static Keeper keeper;

  @BeforeAll
  static void open() {
    System.out.println("LostReplyTest: -Dpgkeeper.seed=" + SEED);
    database = TestDatabase.fresh();
    proxy = TcpProxy.before(database.jdbcUrl());
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(proxy.through(database.jdbcUrl()));
    config.setMaximumPoolSize(THREADS);
    pool = new HikariDataSource(config);
    // The session's own connection is not what is tested here.
    keeper =
        Keeper.connect(
            pool,
            KeeperOptions.defaults()
                .withSchema(database.schema())
                .withOperationTimeout(Duration.ofSeconds(60))
                .withListener(database::connect));
  }

  @AfterAll
  static void close() {
    proxy.decideBy(() -> Fate.PASSES);
    System.out.println("LostReplyTest: " + proxy.fates());
    keeper.close();
    pool.close();
    proxy.close();
    database.close();
  }

  /** Every second request breaks its connection in one way or another. */
  private static void disturb(int salt) {
    Random random = new Random(SEED + salt);
    List<Fate> fates = TcpProxy.mix(6);
    proxy.decideBy(() -> fates.get(random.nextInt(fates.size())));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void everyChangeIsDoneOnceAndItsCallerLearnsTheResult() throws Exception {
    Tree tree = keeper.tree();
    for (int thread = 0; thread < THREADS; thread++) {
      tree.create(NewNode.at("/t" + thread + "/sequence").withParents());
      tree.create("/t" + thread + "/counter", bytes("0"));
      tree.create("/t" + thread + "/both", bytes("0"));
    }
    tree.create("/sum", bytes("0"));
    for (int thread = 0; thread < THREADS; thread++) {
      tree.create("/t" + thread + "/sum", bytes("0"));
    }
    disturb(1);
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    try {
      List<CompletableFuture<Void>> running = new ArrayList<>();
      for (int thread = 0; thread < THREADS; thread++) {
        String root = "/t" + thread;
        running.add(CompletableFuture.runAsync(() -> change(tree, root), threads));
      }
      for (CompletableFuture<Void> one : running) {
        one.get(3, TimeUnit.MINUTES);
      }
    } finally {
      threads.shutdown();
    }
    proxy.decideBy(() -> Fate.PASSES);
    for (int thread = 0; thread < THREADS; thread++) {
      String root = "/t" + thread;
      Stat sequence = tree.stat(root + "/sequence");
      assertThat(sequence.numChildren()).as("sequential nodes").isEqualTo(2 * ROUNDS);
      assertThat(sequence.cversion()).as("creations").isEqualTo(2 * ROUNDS);
      assertThat(tree.stat(root + "/counter").version()).as("changes").isEqualTo(2 * ROUNDS);
      assertThat(tree.stat(root + "/both").version()).as("multis").isEqualTo(ROUNDS);
      // The plain node came and went once a round, the tree with its two nodes too.
      assertThat(tree.stat(root).cversion()).isEqualTo(4 + 4 * ROUNDS);
      assertThat(tree.get(root + "/sum").data()).asString().isEqualTo("" + 3 * ROUNDS);
    }
    assertThat(tree.get("/sum").data()).asString().isEqualTo("" + THREADS * ROUNDS);
    for (Fate fate : Fate.values()) {
      assertThat(proxy.fates()).as("a fate that was met").containsKey(fate);
    }
  }

  private static void change(Tree tree, String root) {
    Set<String> sequential = new HashSet<>();
    for (int round = 0; round < ROUNDS; round++) {
      String name = root + "/plain";
      assertThat(tree.create(name, bytes("x"))).isEqualTo(name);
      tree.delete(name, 0);

      String numbered =
          tree.create(root + "/sequence/n-", bytes("x"), CreateMode.PERSISTENT_SEQUENTIAL);
      assertThat(sequential.add(numbered)).as("a path of its own").isTrue();

      Stat set = tree.set(root + "/counter", bytes("" + round));
      assertThat(set.version()).isEqualTo(2 * round + 1);
      Stat compared = tree.set(root + "/counter", bytes("" + round), set.version());
      assertThat(compared.version()).isEqualTo(2 * round + 2);
      assertThat(compared.mzxid()).isGreaterThan(set.mzxid());

      List<OpResult> both =
          tree.multi(
              Op.create(root + "/sequence/m-", bytes("x"), CreateMode.EPHEMERAL_SEQUENTIAL),
              Op.set(root + "/both", bytes("" + round), round));
      assertThat(sequential.add(both.get(0).path())).as("a path of its own").isTrue();

      assertThat(tree.add(root + "/sum", 3)).isEqualTo(3 * (round + 1));
      assertThat(tree.compareAndSet(root + "/sum", 3 * (round + 1), -1)).isTrue();
      assertThat(tree.compareAndSet(root + "/sum", -1, 3 * (round + 1))).isTrue();
      assertThat(tree.add("/sum", 1)).isBetween(1L + round, (long) THREADS * ROUNDS);

      tree.create(NewNode.at(root + "/deep/er").withParents());
      assertThat(tree.deleteRecursive(root + "/deep")).isEqualTo(2);
    }
  }

  /** The reply to the very change is what gets lost, each time. */
  @Test
  void aChangeWhoseReplyIsLostEachTimeIsDoneOnce() {
    Tree tree = keeper.tree();
    tree.create("/lost", bytes(""));
    for (int i = 1; i <= 20; i++) {
      boolean[] met = {false};
      proxy.decideBy(
          () -> {
            boolean first = !met[0];
            met[0] = true;
            return first ? Fate.REPLY_LOST : Fate.PASSES;
          });
      assertThat(tree.set("/lost", bytes("" + i)).version()).isEqualTo(3 * i - 2);
      met[0] = false;
      assertThat(tree.add("/lost", 10)).isEqualTo(i + 10);
      met[0] = true;
      tree.set("/lost", bytes("" + i));
    }
    proxy.decideBy(() -> Fate.PASSES);
    assertThat(proxy.fates().get(Fate.REPLY_LOST)).isGreaterThanOrEqualTo(20);
  }
}
