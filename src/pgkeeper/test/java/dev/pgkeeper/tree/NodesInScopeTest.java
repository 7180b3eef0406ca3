package dev.pgkeeper.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.InvalidPathException;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/** Many nodes in one round trip, and what tells whether any of them changed. */
class NodesInScopeTest {
  private static TestDatabase database;
  private static Keeper keeper;

  private Tree tree;

  @BeforeAll
  static void connect() {
    database = TestDatabase.fresh();
    keeper = database.keeper();
  }

  @AfterAll
  static void close() {
    keeper.close();
    database.close();
  }

  @BeforeEach
  void ownRoot(TestInfo test) {
    String root = "/" + test.getTestMethod().orElseThrow().getName();
    keeper.tree().create(root, new byte[0]);
    tree = keeper.tree().chroot(root);
  }

  private void create(String... paths) {
    for (String path : paths) {
      tree.create(NewNode.at(path).data(path.getBytes(java.nio.charset.StandardCharsets.UTF_8)));
    }
  }

  private static List<String> paths(NodePage page) {
    return page.nodes().stream().map(PathNode::path).toList();
  }

  @Test
  void aPageHasTheNodesOfItsScopeSortedByPathWithDataAndStatAsASingleReadHasThem() {
    create("/a", "/a/x", "/a/x/y", "/a!", "/a0", "/ab");
    tree.create("/a/x/mine", new byte[] {1}, CreateMode.EPHEMERAL);
    assertThat(paths(tree.nodePage(Scope.NODE, "/a", "", 10))).containsExactly("/a");
    assertThat(paths(tree.nodePage(Scope.CHILDREN, "/a", "", 10))).containsExactly("/a/x");
    assertThat(paths(tree.nodePage(Scope.CHILDREN, "/", "", 10)))
        .containsExactly("/a", "/a!", "/a0", "/ab");
    NodePage subtree = tree.nodePage(Scope.SUBTREE, "/a", "", 10);
    assertThat(paths(subtree)).containsExactly("/a", "/a/x", "/a/x/mine", "/a/x/y");
    assertThat(subtree.hasMore()).isFalse();
    assertThat(subtree.nodes())
        .allSatisfy(each -> assertThat(each.node()).isEqualTo(tree.get(each.path())));
    assertThat(paths(tree.nodePage(Scope.SUBTREE, "/", "", 10)))
        .containsExactly("/", "/a", "/a!", "/a/x", "/a/x/mine", "/a/x/y", "/a0", "/ab");
  }

  @Test
  void pageAfterPageEachNodeComesOnceHoweverLargeThePages() {
    create("/a", "/a/1", "/a/2", "/a/2/x", "/a!", "/b");
    for (Scope scope : new Scope[] {Scope.CHILDREN, Scope.SUBTREE}) {
      List<String> all = paths(tree.nodePage(scope, "/", "", 100));
      for (int limit = 1; limit <= all.size() + 1; limit++) {
        List<String> read = new ArrayList<>();
        boolean more = true;
        while (more) {
          String after = read.isEmpty() ? "" : read.get(read.size() - 1);
          NodePage page = tree.nodePage(scope, "/", after, limit);
          assertThat(page.nodes()).hasSizeLessThanOrEqualTo(limit);
          read.addAll(paths(page));
          more = page.hasMore();
        }
        assertThat(read).as(scope + " by " + limit).isEqualTo(all);
      }
    }
  }

  /** What is between may have been deleted meanwhile. */
  @Test
  void aPageMayBeginAfterAPathThatIsNotThere() {
    create("/a", "/b", "/c");
    assertThat(paths(tree.nodePage(Scope.CHILDREN, "/", "/aa", 10))).containsExactly("/b", "/c");
    assertThat(paths(tree.nodePage(Scope.SUBTREE, "/", "/bb", 10))).containsExactly("/c");
    assertThat(paths(tree.nodePage(Scope.SUBTREE, "/", "/c", 10))).isEmpty();
  }

  @Test
  void ofANodeThatIsNotThereThereIsNothing() {
    for (Scope scope : Scope.values()) {
      assertThat(tree.nodePage(scope, "/none", "", 10)).isEqualTo(new NodePage(List.of(), false));
      assertThat(tree.nodeSums(scope, "/none")).isEqualTo(NodeSums.NONE);
    }
  }

  @Test
  void aPageEndsWhereItsDataBecomeTooMuchAndHasOneNodeAtLeast() {
    for (int i = 0; i < 8; i++) {
      tree.create("/" + i, new byte[1_000_000]);
    }
    NodePage page = tree.nodePage(Scope.CHILDREN, "/", "", 100);
    assertThat(page.nodes()).hasSize(5);
    assertThat(page.hasMore()).isTrue();
    assertThat(paths(tree.nodePage(Scope.CHILDREN, "/", "/4", 100)))
        .containsExactly("/5", "/6", "/7");
    tree.deleteRecursive("/0");
  }

  @Test
  void theSumsDifferAfterEachChangeInTheScopeAndAfterNoOther() {
    create("/in", "/in/a", "/in/a/b", "/in0", "/out");
    for (Scope scope : Scope.values()) {
      boolean subtree = scope == Scope.SUBTREE;
      differ(scope, true, () -> create("/in/new"));
      differ(scope, scope != Scope.NODE, () -> tree.set("/in/new", new byte[0]));
      differ(scope, true, () -> tree.delete("/in/new"));
      differ(scope, scope != Scope.CHILDREN, () -> tree.set("/in", new byte[0]));
      differ(scope, scope != Scope.NODE, () -> create("/in/a/new"));
      differ(scope, subtree, () -> tree.set("/in/a/new", new byte[0]));
      differ(scope, subtree, () -> create("/in/a/new/deep"));
      differ(scope, scope != Scope.NODE, () -> tree.deleteRecursive("/in/a/new"));
      differ(scope, false, () -> tree.set("/out", new byte[0]));
      differ(scope, false, () -> create("/in0/a"));
      tree.delete("/in0/a");
    }
  }

  private void differ(Scope scope, boolean expected, Runnable change) {
    NodeSums before = tree.nodeSums(scope, "/in");
    assertThat(tree.nodeSums(scope, "/in")).isEqualTo(before);
    change.run();
    assertThat(!tree.nodeSums(scope, "/in").equals(before)).as(scope + "").isEqualTo(expected);
  }

  @Test
  void theSumsDifferAfterADeletionAndRecreationWithTheSameVersion() {
    create("/a", "/a/b");
    for (Scope scope : new Scope[] {Scope.CHILDREN, Scope.SUBTREE}) {
      NodeSums before = tree.nodeSums(scope, "/");
      tree.delete("/a/b");
      create("/a/b");
      assertThat(tree.nodeSums(scope, "/").nodes()).isEqualTo(before.nodes());
      assertThat(tree.nodeSums(scope, "/")).isNotEqualTo(before);
    }
  }

  @Test
  void theSumsAreThoseOfTheNodesThatAPageHas() {
    create("/a", "/a/x", "/b");
    for (Scope scope : Scope.values()) {
      NodeSums sums = NodeSums.NONE;
      for (PathNode each : tree.nodePage(scope, "/", "", 10).nodes()) {
        var stat = each.node().stat();
        sums = sums.plus(stat.czxid(), stat.mzxid(), stat.pzxid());
      }
      assertThat(tree.nodeSums(scope, "/")).as(scope + "").isEqualTo(sums);
    }
  }

  @Test
  void aTransactionOfTheCallersSeesWhatItDidItself() throws Exception {
    create("/a");
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      String root = "/aTransactionOfTheCallersSeesWhatItDidItself";
      keeper.tree(connection).create(root + "/b", new byte[0]);
      assertThat(paths(keeper.tree(connection).nodePage(Scope.CHILDREN, root, "", 10)))
          .containsExactly(root + "/a", root + "/b");
      assertThat(keeper.tree(connection).nodeSums(Scope.CHILDREN, root).nodes()).isEqualTo(2);
      assertThat(tree.nodeSums(Scope.CHILDREN, "/").nodes()).isEqualTo(1);
      connection.rollback();
    }
  }

  @Test
  void badInputIsRefusedWithWhatToDo() {
    for (int limit : new int[] {0, -1, 10_001}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> tree.nodePage(Scope.SUBTREE, "/a", "", limit))
          .withMessageContainingAll("/a", "the limit is " + limit, "use 1 to 10000");
    }
    assertThatThrownBy(() -> tree.nodePage(Scope.SUBTREE, "a", "", 1))
        .isInstanceOf(InvalidPathException.class);
    assertThatThrownBy(() -> tree.nodePage(Scope.SUBTREE, "/", "a", 1))
        .isInstanceOf(InvalidPathException.class);
    assertThatThrownBy(() -> tree.nodeSums(Scope.SUBTREE, "a"))
        .isInstanceOf(InvalidPathException.class);
  }
}
