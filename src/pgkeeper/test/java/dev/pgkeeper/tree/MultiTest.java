package dev.pgkeeper.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

class MultiTest {

  private static final byte[] NONE = {};

  private static TestDatabase database;
  private static Keeper keeper;

  private Tree tree;
  private String root;

  @BeforeAll
  static void connect() {
    database = TestDatabase.fresh();
    keeper =
        Keeper.connect(
            database.dataSource(), KeeperOptions.defaults().withSchema(database.schema()));
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

  @Test
  void allStepsAreDoneInOrderUnderOneNumber() {
    tree.create("/old", NONE);
    List<OpResult> results =
        tree.multi(
            Op.check("/old", 0),
            Op.create("/a", new byte[] {1}),
            Op.create("/a/b", NONE),
            Op.set("/a", new byte[] {2}, 0),
            Op.delete("/old", 0));
    assertThat(results)
        .extracting(OpResult::path)
        .containsExactly("/old", "/a", "/a/b", "/a", "/old");
    assertThat(results).extracting(OpResult::code).containsOnly(Code.OK);
    assertThat(results.get(0).stat()).isNull();
    assertThat(results.get(4).stat()).isNull();
    assertThat(tree.children("/")).containsExactly("a");
    assertThat(tree.get("/a").data()).containsExactly(2);
    long zxid = tree.stat("/a").czxid();
    assertThat(results.get(3).stat()).isEqualTo(tree.stat("/a"));
    assertThat(tree.stat("/a").mzxid()).isEqualTo(zxid);
    assertThat(tree.stat("/a").pzxid()).isEqualTo(zxid);
    assertThat(tree.stat("/a/b").czxid()).isEqualTo(zxid);
    assertThat(tree.stat("/").pzxid()).isEqualTo(zxid);
  }

  @Test
  void aCheckOfAChangeTellsANodeFromOneThatWasCreatedAgainWithTheSameVersion() {
    tree.create("/a", NONE);
    long change = tree.stat("/a").mzxid();
    tree.multi(Op.checkChange("/a", change), Op.set("/a", new byte[] {1}));
    refuses(Code.BAD_VERSION, Op.checkChange("/a", change));
    long next = tree.stat("/a").mzxid();
    tree.delete("/a");
    refuses(Code.NO_NODE, Op.checkChange("/a", next));
    tree.create("/a", NONE);
    tree.set("/a", new byte[] {1});
    refuses(Code.BAD_VERSION, Op.checkChange("/a", next));
    assertThat(tree.multi(Op.checkChange("/a", tree.stat("/a").mzxid())).get(0).code())
        .isEqualTo(Code.OK);
  }

  private void refuses(Code code, Op check) {
    assertThatThrownBy(() -> tree.multi(check, Op.set("/a", new byte[] {2})))
        .isInstanceOf(KeeperException.MultiFailed.class)
        .extracting(e -> ((KeeperException) e).code())
        .isEqualTo(code);
    assertThat(tree.exists("/a").map(Stat::version)).isNotEqualTo(Optional.of(2));
  }

  @Test
  void noStepsAreNoResults() {
    assertThat(tree.multi()).isEmpty();
    assertThat(tree.multi(List.of())).isEmpty();
  }

  @Test
  void aThousandStepsAreDone() {
    List<Op> ops = new ArrayList<>();
    ops.add(Op.create("/p", NONE));
    for (int i = 0; i < 333; i++) {
      ops.add(Op.create("/p/" + i, NONE));
      ops.add(Op.set("/p/" + i, new byte[] {1}, 0));
      ops.add(i % 2 == 0 ? Op.delete("/p/" + i, 1) : Op.check("/p/" + i, 1));
    }
    List<OpResult> results = tree.multi(ops);
    assertThat(results).hasSize(1000).extracting(OpResult::code).containsOnly(Code.OK);
    assertThat(tree.stat("/p").numChildren()).isEqualTo(166);
    assertThat(tree.stat("/p").cversion()).isEqualTo(333 + 167);
  }

  @Test
  void aThousandthStepThatFailsTakesTheOthersBack() {
    String before = TreeInvariants.snapshot(database);
    List<Op> ops =
        new ArrayList<>(IntStream.range(0, 999).mapToObj(i -> Op.create("/" + i, NONE)).toList());
    ops.add(Op.delete("/none"));
    assertThatThrownBy(() -> tree.multi(ops)).isInstanceOf(KeeperException.MultiFailed.class);
    assertThat(TreeInvariants.snapshot(database)).isEqualTo(before);
  }

  @Test
  void aStepThatFailsInTheMiddleTakesTheOthersBackAndRingsNobody() {
    tree.create("/a", NONE);
    tree.create("/gone", NONE);
    Recorder recursive = new Recorder();
    Recorder ofNode = new Recorder();
    Recorder ofChildren = new Recorder();
    tree.watch("/", WatchMode.PERSISTENT_RECURSIVE, recursive);
    tree.get("/a", ofNode);
    tree.children("/", ofChildren);
    String before = TreeInvariants.snapshot(database);
    long replies = database.queryLong("SELECT sum(request) FROM ${schema}.reply");
    KeeperException.MultiFailed failed =
        catchThrowableOfType(
            KeeperException.MultiFailed.class,
            () ->
                tree.multi(
                    Op.set("/a", new byte[] {1}),
                    Op.create("/b", NONE),
                    Op.delete("/gone"),
                    Op.set("/a", new byte[] {2}, 9),
                    Op.create("/c", NONE),
                    Op.check("/a", 7)));
    assertThat(failed.code()).isEqualTo(Code.BAD_VERSION);
    assertThat(failed.path()).isEqualTo("/a");
    assertThat(failed).hasMessageContaining("step 4").hasMessageContaining("/a");
    assertThat(failed.results())
        .extracting(OpResult::code)
        .containsExactly(
            Code.OK,
            Code.OK,
            Code.OK,
            Code.BAD_VERSION,
            Code.RUNTIME_INCONSISTENCY,
            Code.RUNTIME_INCONSISTENCY);
    assertThat(failed.results())
        .extracting(OpResult::path)
        .containsExactly("/a", "/b", "/gone", "/a", "/c", "/a");
    assertThat(TreeInvariants.snapshot(database)).isEqualTo(before);
    assertThat(database.queryLong("SELECT sum(request) FROM ${schema}.reply")).isEqualTo(replies);
    tree.sync();
    assertThat(recursive.soFar()).isEmpty();
    assertThat(ofNode.soFar()).isEmpty();
    assertThat(ofChildren.soFar()).isEmpty();
    tree.multi(Op.set("/a", NONE), Op.create("/b", NONE));
    tree.sync();
    assertThat(recursive.soFar())
        .containsExactlyInAnyOrder("NODE_DATA_CHANGED /a", "NODE_CREATED /b");
    assertThat(ofNode.soFar()).containsExactly("NODE_DATA_CHANGED /a");
    assertThat(ofChildren.soFar()).containsExactly("NODE_CHILDREN_CHANGED /");
  }

  @Test
  void everyRuleThatAStepBreaksIsNamed() {
    tree.create("/a", NONE);
    tree.create("/a/b", NONE);
    tree.create("/e", NONE, CreateMode.EPHEMERAL);
    assertFails(Code.NODE_EXISTS, Op.create("/a", NONE));
    assertFails(Code.NO_NODE, Op.create("/none/x", NONE));
    assertFails(Code.NO_CHILDREN_FOR_EPHEMERALS, Op.create("/e/x", NONE));
    assertFails(Code.NO_NODE, Op.set("/none", NONE));
    assertFails(Code.BAD_VERSION, Op.set("/a", NONE, 1));
    assertFails(Code.NO_NODE, Op.delete("/none"));
    assertFails(Code.BAD_VERSION, Op.delete("/a", 1));
    assertFails(Code.NOT_EMPTY, Op.delete("/a"));
    assertFails(Code.NO_NODE, Op.check("/none", Op.ANY_VERSION));
    assertFails(Code.BAD_VERSION, Op.check("/a", 1));
  }

  private void assertFails(Code code, Op op) {
    String before = TreeInvariants.snapshot(database);
    KeeperException.MultiFailed failed =
        catchThrowableOfType(
            KeeperException.MultiFailed.class, () -> tree.multi(Op.create("/good", NONE), op));
    assertThat(failed).as(op.toString()).isNotNull();
    assertThat(failed.code()).as(op.toString()).isEqualTo(code);
    assertThat(failed.path()).isEqualTo(op.path());
    assertThat(failed.results()).extracting(OpResult::code).containsExactly(Code.OK, code);
    assertThat(TreeInvariants.snapshot(database)).isEqualTo(before);
  }

  @Test
  void aPathMayComeTwice() {
    List<OpResult> results =
        tree.multi(
            Op.create("/a", new byte[] {1}),
            Op.set("/a", new byte[] {2}, 0),
            Op.set("/a", new byte[] {3}, 1),
            Op.delete("/a", 2),
            Op.create("/a", new byte[] {4}),
            Op.check("/a", 0));
    assertThat(results).extracting(OpResult::code).containsOnly(Code.OK);
    assertThat(tree.get("/a").data()).containsExactly(4);
    assertThat(tree.stat("/").cversion()).isEqualTo(3);
    assertThatThrownBy(() -> tree.multi(Op.create("/b", NONE), Op.create("/b", NONE)))
        .isInstanceOfSatisfying(
            KeeperException.MultiFailed.class,
            e -> assertThat(e.code()).isEqualTo(Code.NODE_EXISTS))
        .hasMessageContaining("step 2");
    assertThatThrownBy(() -> tree.multi(Op.delete("/a"), Op.delete("/a")))
        .isInstanceOfSatisfying(
            KeeperException.MultiFailed.class, e -> assertThat(e.code()).isEqualTo(Code.NO_NODE));
    assertThat(tree.exists("/b")).isEmpty();
    assertThat(tree.exists("/a")).isPresent();
  }

  @Test
  void sequentialAndEphemeralStepsReturnTheirRealPaths() {
    List<OpResult> results =
        tree.multi(
            Op.create("/s-", NONE, CreateMode.PERSISTENT_SEQUENTIAL),
            Op.create("/s-", NONE, CreateMode.EPHEMERAL_SEQUENTIAL),
            Op.create("/e", NONE, CreateMode.EPHEMERAL),
            Op.create("/c", NONE, CreateMode.CONTAINER),
            Op.create(
                NewNode.at("/t-")
                    .mode(CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL)
                    .ttl(Duration.ofHours(1))));
    assertThat(results)
        .extracting(OpResult::path)
        .containsExactly("/s-0000000000", "/s-0000000001", "/e", "/c", "/t-0000000004");
    assertThat(tree.stat("/s-0000000001").ephemeralOwner()).isEqualTo(keeper.session().id());
    assertThat(tree.stat("/e").ephemeralOwner()).isEqualTo(keeper.session().id());
    assertThat(tree.stat("/c").ephemeralOwner()).isZero();
    assertThat(results).allSatisfy(r -> assertThat(tree.exists(r.path())).contains(r.stat()));
  }

  @Test
  void aCheckAloneChangesNothing() {
    tree.create("/a", NONE);
    String before = TreeInvariants.snapshot(database);
    assertThat(tree.multi(Op.check("/a", 0), Op.check("/", Op.ANY_VERSION)))
        .extracting(OpResult::code)
        .containsExactly(Code.OK, Code.OK);
    assertThat(TreeInvariants.snapshot(database)).isEqualTo(before);
  }

  @Test
  void aStepThatCannotBeRightIsRefusedBeforeAnythingIsSent() {
    String before = TreeInvariants.snapshot(database);
    Op good = Op.create("/good", NONE);
    List<Op> bad =
        List.of(
            Op.create("/a/", NONE),
            Op.create(NewNode.at("/a/b").withParents()),
            Op.create(NewNode.at("/t").mode(CreateMode.PERSISTENT_WITH_TTL)),
            Op.create(NewNode.at("/t").ttl(Duration.ofSeconds(1))),
            Op.set("/a", new byte[1024 * 1024]),
            Op.set("/a", NONE, -2),
            Op.delete("/a", -7),
            Op.check("/a", Integer.MIN_VALUE),
            Op.check("a", 0));
    for (Op op : bad) {
      assertThatThrownBy(() -> tree.multi(good, op))
          .as(op.toString())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(op.path());
    }
    assertThat(TreeInvariants.snapshot(database)).isEqualTo(before);
    assertThatThrownBy(() -> tree.multi(Collections.singletonList(null)))
        .isInstanceOf(NullPointerException.class);
  }
}
