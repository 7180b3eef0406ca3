package dev.pgkeeper.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.pgkeeper.InvalidPathException;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

class ChrootTest {

  private static final byte[] NONE = {};

  private static TestDatabase database;
  private static Keeper keeper;
  private static Tree whole;

  private String root;

  @BeforeAll
  static void connect() {
    database = TestDatabase.fresh();
    keeper = Keeper.connect(database.dataSource(), options());
    whole = keeper.tree();
  }

  private static KeeperOptions options() {
    return KeeperOptions.defaults().withSchema(database.schema()).withSweep(Duration.ofHours(1));
  }

  @AfterAll
  static void close() {
    keeper.close();
    database.close();
  }

  @BeforeEach
  void ownRoot(TestInfo test) {
    root = "/" + test.getTestMethod().orElseThrow().getName();
    whole.create(root, NONE);
  }

  @AfterEach
  void theTablesAreSound() {
    TreeInvariants.check(database);
  }

  @Test
  void theOptionAndTheTreesOwnSeeTheSame() throws SQLException {
    Tree own = whole.chroot(root);
    try (Keeper rooted = Keeper.connect(database.dataSource(), options().withChroot(root));
        Connection connection = database.connect()) {
      assertThat(rooted.tree().create("/a", new byte[] {1})).isEqualTo("/a");
      assertThat(own.get("/a")).isEqualTo(rooted.tree().get("/a"));
      assertThat(whole.get(root + "/a")).isEqualTo(own.get("/a"));
      assertThat(rooted.tree(connection).get("/a")).isEqualTo(own.get("/a"));
      assertThat(rooted.tree(connection).create("/b", NONE)).isEqualTo("/b");
      assertThat(own.children("/")).containsExactly("a", "b");
    }
  }

  @Test
  void everyOperationStaysBelowTheRootAndAnswersWithPathsFromThere() {
    Tree tree = whole.chroot(root);
    assertThat(tree.create("/a", NONE)).isEqualTo("/a");
    assertThat(tree.create("/s-", NONE, CreateMode.PERSISTENT_SEQUENTIAL))
        .isEqualTo("/s-0000000001");
    assertThat(tree.create(NewNode.at("/x/y").withParents()).path()).isEqualTo("/x/y");
    assertThat(tree.multi(Op.set("/a", NONE), Op.create("/m", NONE), Op.check("/", -1)))
        .extracting(OpResult::path)
        .containsExactly("/a", "/m", "/");
    KeeperException.MultiFailed failed =
        catchThrowableOfType(
            KeeperException.MultiFailed.class,
            () -> tree.multi(Op.check("/a", 1), Op.delete("/none")));
    assertThat(failed.path()).isEqualTo("/none");
    assertThat(failed.getMessage()).doesNotContain(root);
    assertThat(failed.results()).extracting(OpResult::path).containsExactly("/a", "/none");
    assertThat(tree.childPage("/", "", 2).names()).containsExactly("a", "m");
    assertThat(tree.readAll(java.util.List.of(Read.children("/x"))).get(0).children())
        .containsExactly("y");
    assertThatThrownBy(() -> tree.get("/none"))
        .isInstanceOfSatisfying(
            KeeperException.NoNode.class, e -> assertThat(e.path()).isEqualTo("/none"));
    assertThat(tree.deleteRecursive("/x")).isEqualTo(2);
    tree.delete("/m");
    assertThat(whole.children(root)).containsExactly("a", "s-0000000001");
  }

  @Test
  void theRootIsANodeLikeOthers() {
    Tree tree = whole.chroot(root);
    tree.set("/", new byte[] {7});
    assertThat(tree.get("/").data()).containsExactly(7);
    assertThat(whole.get(root).data()).containsExactly(7);
    assertThat(tree.stat("/")).isEqualTo(whole.stat(root));
    assertThatThrownBy(() -> tree.create("/", NONE)).isInstanceOf(KeeperException.NodeExists.class);
  }

  @Test
  void aRootThatDoesNotExistIsCreatedLikeAnyNode() {
    Tree tree = whole.chroot(root + "/deep/er");
    assertThatThrownBy(() -> tree.create("/a", NONE)).isInstanceOf(KeeperException.NoNode.class);
    assertThat(tree.exists("/")).isEmpty();
    assertThat(tree.create(NewNode.at("/").withParents()).path()).isEqualTo("/");
    assertThat(tree.create("/a", NONE)).isEqualTo("/a");
    assertThat(whole.exists(root + "/deep/er/a")).isPresent();
  }

  @Test
  void aSequentialChildOfTheRootStaysBelowTheRoot() {
    Tree tree = whole.chroot(root);
    assertThat(tree.create("/", NONE, CreateMode.PERSISTENT_SEQUENTIAL)).isEqualTo("/0000000000");
    assertThat(whole.children(root)).containsExactly("0000000000");
  }

  @Test
  void aSequentialChildOfTheRootStaysBelowTheRootInAMultiToo() {
    Tree tree = whole.chroot(root);
    assertThat(tree.multi(Op.create("/", NONE, CreateMode.PERSISTENT_SEQUENTIAL)))
        .extracting(OpResult::path)
        .containsExactly("/0000000000");
    assertThat(whole.children(root)).containsExactly("0000000000");
  }

  @Test
  void theRootOfAChrootIsNotDeleted() {
    Tree tree = whole.chroot(root);
    assertThatThrownBy(() -> tree.delete("/")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> tree.deleteRecursive("/"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> tree.multi(Op.delete("/")))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(whole.exists(root)).isPresent();
  }

  @Test
  void aRootInsideARootIsOneBelowIt() {
    Tree outer = whole.chroot(root);
    outer.create("/in", NONE);
    Tree inner = outer.chroot("/in");
    assertThat(inner.create("/a", NONE)).isEqualTo("/a");
    assertThat(whole.exists(root + "/in/a")).isPresent();
    assertThat(outer.chroot("/").exists("/in/a")).isPresent();
  }

  @Test
  void eventsNamePathsAsTheirWatcherSeesThem() throws InterruptedException {
    Tree tree = whole.chroot(root);
    Recorder recursive = new Recorder();
    Recorder ofRoot = new Recorder();
    Recorder outside = new Recorder();
    Recorder once = new Recorder();
    tree.watch("/", WatchMode.PERSISTENT_RECURSIVE, recursive);
    tree.watch("/", WatchMode.PERSISTENT, ofRoot);
    whole.watch(root, WatchMode.PERSISTENT, outside);
    tree.exists("/a", once);
    whole.create(root + "/a", NONE);
    assertThat(recursive.next()).isEqualTo("NODE_CREATED /a");
    assertThat(once.next()).isEqualTo("NODE_CREATED /a");
    assertThat(ofRoot.next()).isEqualTo("NODE_CHILDREN_CHANGED /");
    assertThat(outside.next()).isEqualTo("NODE_CHILDREN_CHANGED " + root);
    tree.set("/", NONE);
    assertThat(recursive.next()).isEqualTo("NODE_DATA_CHANGED /");
    assertThat(ofRoot.next()).isEqualTo("NODE_DATA_CHANGED /");
    assertThat(outside.next()).isEqualTo("NODE_DATA_CHANGED " + root);
  }

  @Test
  void oneWatcherIsToldThroughEachRootAndTakenBackThroughEach() {
    Tree tree = whole.chroot(root);
    tree.create("/a", NONE);
    Recorder both = new Recorder();
    tree.watch("/a", WatchMode.PERSISTENT, both);
    whole.watch(root + "/a", WatchMode.PERSISTENT, both);
    tree.set("/a", NONE);
    tree.sync();
    assertThat(both.soFar())
        .containsExactlyInAnyOrder("NODE_DATA_CHANGED /a", "NODE_DATA_CHANGED " + root + "/a");
    tree.unwatch("/a", WatchKind.ANY, both);
    assertThatThrownBy(() -> tree.unwatch("/a", WatchKind.ANY, both))
        .isInstanceOfSatisfying(
            KeeperException.NoWatcher.class, e -> assertThat(e.path()).isEqualTo("/a"));
    tree.set("/a", NONE);
    tree.sync();
    assertThat(both.soFar()).containsExactly("NODE_DATA_CHANGED " + root + "/a");
  }

  @Test
  void aRootMustBeAPath() {
    assertThatThrownBy(() -> whole.chroot("app"))
        .isInstanceOf(InvalidPathException.class)
        .hasMessageContaining("app");
    assertThatThrownBy(
            () -> Keeper.connect(database.dataSource(), options().withChroot("/app/")).close())
        .isInstanceOf(InvalidPathException.class)
        .hasMessageContaining("/app/");
  }
}
