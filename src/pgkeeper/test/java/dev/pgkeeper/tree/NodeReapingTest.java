package dev.pgkeeper.tree;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/** Nodes that go by themselves. Time passes by moving what the tables say back. */
class NodeReapingTest {

  private static final byte[] NONE = {};

  private static TestDatabase database;
  private static Keeper keeper;

  private String root;
  private Tree tree;

  @BeforeAll
  static void connect() {
    database = TestDatabase.fresh();
    keeper =
        Keeper.connect(
            database.dataSource(),
            KeeperOptions.defaults().withSchema(database.schema()).withSweep(Duration.ofHours(1)));
  }

  @AfterAll
  static void close() {
    keeper.close();
    database.close();
  }

  @BeforeEach
  void ownRoot(TestInfo test) {
    root = "/" + test.getTestMethod().orElseThrow().getName();
    keeper.tree().create(root, NONE);
    tree = keeper.tree().chroot(root);
  }

  @AfterEach
  void theTablesAreSound() {
    TreeInvariants.check(database);
  }

  /** One tick, as every client runs it; another client's tick may have taken the same nodes. */
  private static void reap() {
    database.queryLong("SELECT ${schema}.reap_nodes(100)");
  }

  private void letPass(String path, String interval) {
    database.execute(
        "UPDATE ${schema}.node SET ctime = ctime - interval '%1$s', mtime = mtime - interval '%1$s' WHERE path = '%2$s'"
            .formatted(interval, root + path));
  }

  @Test
  void aContainerGoesAfterItsLastChild() {
    tree.create("/c", NONE, CreateMode.CONTAINER);
    tree.create("/c/1", NONE);
    tree.create("/c/2", NONE);
    tree.delete("/c/1");
    reap();
    assertThat(tree.exists("/c")).isPresent();
    tree.delete("/c/2");
    reap();
    assertThat(tree.exists("/c")).isEmpty();
    assertThat(tree.stat("/").cversion()).isEqualTo(2);
  }

  @Test
  void aContainerGoesWithItsLastEphemeralsSession() {
    tree.create("/c", NONE, CreateMode.CONTAINER);
    try (Keeper other =
        Keeper.connect(
            database.dataSource(),
            KeeperOptions.defaults()
                .withSchema(database.schema())
                .withSweep(Duration.ofHours(1)))) {
      other.tree().create(root + "/c/e", NONE, CreateMode.EPHEMERAL);
      reap();
      assertThat(tree.exists("/c")).isPresent();
    }
    reap();
    assertThat(tree.exists("/c")).isEmpty();
  }

  @Test
  void aContainerThatWasNeverUsedHasFiveMinutes() {
    tree.create("/c", NONE, CreateMode.CONTAINER);
    letPass("/c", "4 minutes 50 seconds");
    reap();
    assertThat(tree.exists("/c")).isPresent();
    letPass("/c", "11 seconds");
    reap();
    assertThat(tree.exists("/c")).isEmpty();
  }

  @Test
  void aTtlNodeGoesOnceItWasNotSetForItsTime() {
    tree.create(ttl("/t", Duration.ofMinutes(10)));
    letPass("/t", "9 minutes 50 seconds");
    reap();
    assertThat(tree.exists("/t")).isPresent();
    tree.set("/t", NONE);
    letPass("/t", "9 minutes 50 seconds");
    reap();
    assertThat(tree.exists("/t")).isPresent();
    letPass("/t", "11 seconds");
    reap();
    assertThat(tree.exists("/t")).isEmpty();
  }

  private static NewNode ttl(String path, Duration ttl) {
    return NewNode.at(path).mode(CreateMode.PERSISTENT_WITH_TTL).ttl(ttl);
  }

  @Test
  void aTtlNodeStaysWhileItHasChildren() {
    tree.create(ttl("/t", Duration.ofMillis(1)));
    letPass("/t", "1 day");
    tree.create("/t/child", NONE);
    reap();
    assertThat(tree.exists("/t")).isPresent();
    tree.delete("/t/child");
    reap();
    assertThat(tree.exists("/t")).isEmpty();
  }

  @Test
  void theLongestTtlIsHonoured() {
    tree.create(ttl("/t", Duration.ofMillis((1L << 40) - 1)));
    letPass("/t", "34 years");
    reap();
    assertThat(tree.exists("/t")).isPresent();
    letPass("/t", "1 year");
    reap();
    assertThat(tree.exists("/t")).isEmpty();
  }

  @Test
  void whatStaysIsNotReapedHoweverOldItIs() {
    tree.create("/p", NONE);
    tree.create("/e", NONE, CreateMode.EPHEMERAL);
    tree.create("/p/child", NONE);
    tree.delete("/p/child");
    letPass("/p", "100 years");
    letPass("/e", "100 years");
    reap();
    assertThat(tree.children("/")).containsExactly("e", "p");
  }

  @Test
  void whoWatchesANodeHearsThatItWasReaped() throws InterruptedException {
    tree.create("/c", NONE, CreateMode.CONTAINER);
    Recorder ofNode = new Recorder();
    Recorder ofParent = new Recorder();
    tree.exists("/c", ofNode);
    tree.watch("/", WatchMode.PERSISTENT, ofParent);
    letPass("/c", "6 minutes");
    reap();
    assertThat(ofNode.next()).isEqualTo("NODE_DELETED /c");
    assertThat(ofParent.next()).isEqualTo("NODE_CHILDREN_CHANGED /");
  }

  @Test
  void aTickReapsNoMoreThanItIsAskedTo() {
    for (int i = 0; i < 10; i++) {
      tree.create("/c" + i, NONE, CreateMode.CONTAINER);
    }
    database.execute(
        "UPDATE ${schema}.node SET ctime = ctime - interval '1 hour' WHERE parent = '"
            + root
            + "'");
    assertThat(database.queryLong("SELECT ${schema}.reap_nodes(3)")).isEqualTo(3);
    assertThat(tree.children("/")).hasSize(7);
  }

  @Test
  void whatSomebodyHoldsOnToIsPassedOverAndHoldsNobodyUp() throws Exception {
    tree.create("/held", NONE, CreateMode.CONTAINER);
    tree.create("/a", NONE, CreateMode.CONTAINER);
    letPass("/held", "6 minutes");
    letPass("/a", "6 minutes");
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      keeper.tree(connection).set(root + "/held", NONE);
      CompletableFuture.runAsync(NodeReapingTest::reap)
          .get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
      assertThat(tree.exists("/a")).isEmpty();
      assertThat(tree.exists("/held")).isPresent();
      tree.create("/unrelated", NONE);
      connection.rollback();
    }
    reap();
    assertThat(tree.children("/")).containsExactly("unrelated");
  }

  @Test
  void nestedContainersGoFromTheLeavesUp() {
    tree.create("/c", NONE, CreateMode.CONTAINER);
    tree.create("/c/c", NONE, CreateMode.CONTAINER);
    tree.create("/c/c/x", NONE);
    tree.delete("/c/c/x");
    reap();
    assertThat(tree.children("/c")).isEmpty();
    reap();
    assertThat(tree.children("/")).isEqualTo(List.of());
  }
}
