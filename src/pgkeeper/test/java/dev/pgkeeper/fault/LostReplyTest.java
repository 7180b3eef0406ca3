package dev.pgkeeper.fault;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TcpProxy.Fate;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.OpResult;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.Tree;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Whatever breaks around the commit of a change, its caller learns what became of it, and it is
 * done once. The part {@code replies} of the proof breaks connections at random, with many threads.
 */
class LostReplyTest {
  private static TestDatabase database;
  private static TcpProxy proxy;
  private static HikariDataSource pool;
  private static Keeper keeper;

  @BeforeAll
  static void open() {
    database = TestDatabase.fresh();
    proxy = TcpProxy.before(database.jdbcUrl());
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(proxy.through(database.jdbcUrl()));
    config.setMaximumPoolSize(2);
    config.setConnectionTimeout(Await.LIMIT.toMillis());
    pool = new HikariDataSource(config);
    // The session's own connection is not what is tested here.
    keeper =
        Keeper.connect(
            pool,
            database
                .keeperOptions()
                .withOperationTimeout(Await.LIMIT)
                .withListener(database::connect));
  }

  @AfterAll
  static void close() {
    proxy.decideBy(() -> Fate.PASSES);
    keeper.close();
    pool.close();
    proxy.close();
    database.close();
  }

  /** Runs a change whose first request meets this fate. */
  private static <T> T meeting(Fate fate, Supplier<T> change) {
    AtomicInteger requests = new AtomicInteger();
    proxy.decideBy(() -> requests.getAndIncrement() == 0 ? fate : Fate.PASSES);
    T answer = change.get();
    proxy.decideBy(() -> Fate.PASSES);
    assertThat(requests.get()).as("requests").isPositive();
    return answer;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @EnumSource(Fate.class)
  void everyChangeIsDoneOnceAndItsCallerLearnsTheResult(Fate fate) {
    Tree tree = keeper.tree();
    String root = "/" + fate;
    tree.create(NewNode.at(root + "/sequence").withParents());
    for (String name : List.of("/counter", "/both", "/sum")) {
      tree.create(root + name, bytes("0"));
    }
    for (int round = 0; round < ROUNDS; round++) {
      change(fate, tree, root, round);
    }
    Stat sequence = tree.stat(root + "/sequence");
    assertThat(sequence.numChildren()).as("sequential nodes").isEqualTo(2 * ROUNDS);
    assertThat(sequence.cversion()).as("creations").isEqualTo(2 * ROUNDS);
    assertThat(tree.stat(root + "/counter").version()).as("changes").isEqualTo(2 * ROUNDS);
    assertThat(tree.stat(root + "/both").version()).as("multis").isEqualTo(ROUNDS);
    // The plain node came and went once a round, the tree with its two nodes too.
    assertThat(tree.stat(root).cversion()).isEqualTo(4 + 4 * ROUNDS);
    assertThat(tree.get(root + "/sum").data()).asString().isEqualTo("" + 3 * ROUNDS);
    assertThat(proxy.fates()).as("a fate that was met").containsKey(fate);
  }

  /** The first change of a slot, and one that finds the reply of another. */
  private static final int ROUNDS = 2;

  private static void change(Fate fate, Tree tree, String root, int round) {
    String name = root + "/plain";
    assertThat(meeting(fate, () -> tree.create(name, bytes("x")))).isEqualTo(name);
    meeting(
        fate,
        () -> {
          tree.delete(name, 0);
          return true;
        });

    String sequential = root + "/sequence/n-";
    CreateMode numbered = CreateMode.PERSISTENT_SEQUENTIAL;
    assertThat(meeting(fate, () -> tree.create(sequential, bytes("x"), numbered)))
        .isEqualTo("%s%010d", sequential, 2 * round);

    Stat set = meeting(fate, () -> tree.set(root + "/counter", bytes("" + round)));
    assertThat(set.version()).isEqualTo(2 * round + 1);
    Stat compared =
        meeting(fate, () -> tree.set(root + "/counter", bytes("" + round), set.version()));
    assertThat(compared.version()).isEqualTo(2 * round + 2);
    assertThat(compared.mzxid()).isGreaterThan(set.mzxid());

    List<OpResult> both =
        meeting(
            fate,
            () ->
                tree.multi(
                    Op.create(sequential, bytes("x"), CreateMode.EPHEMERAL_SEQUENTIAL),
                    Op.set(root + "/both", bytes("" + round), round)));
    assertThat(both.get(0).path()).isEqualTo("%s%010d", sequential, 2 * round + 1);

    int sum = 3 * (round + 1);
    assertThat(meeting(fate, () -> tree.add(root + "/sum", 3))).isEqualTo(sum);
    assertThat(meeting(fate, () -> tree.compareAndSet(root + "/sum", sum, -1))).isTrue();
    assertThat(meeting(fate, () -> tree.compareAndSet(root + "/sum", -1, sum))).isTrue();

    meeting(fate, () -> tree.create(NewNode.at(root + "/deep/er").withParents()));
    assertThat(meeting(fate, () -> tree.deleteRecursive(root + "/deep"))).isEqualTo(2);
  }
}
