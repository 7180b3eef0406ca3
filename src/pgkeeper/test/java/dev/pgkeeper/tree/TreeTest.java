package dev.pgkeeper.tree;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TreeTest {

  private static final byte[] NONE = {};

  private static TestDatabase database;
  private static Keeper keeper;
  private static Tree whole;

  /** A root of this test's own. */
  private Tree tree;

  @BeforeAll
  static void connect() {
    database = TestDatabase.fresh();
    keeper = Keeper.connect(database.dataSource(), options());
    whole = keeper.tree();
  }

  private static KeeperOptions options() {
    return KeeperOptions.defaults().withSchema(database.schema());
  }

  @AfterAll
  static void close() {
    keeper.close();
    database.close();
  }

  @BeforeEach
  void ownRoot(TestInfo test) {
    String root = "/" + test.getTestMethod().orElseThrow().getName() + System.nanoTime();
    whole.create(root, NONE);
    tree = whole.chroot(root);
  }

  @AfterEach
  void theTablesAreSound() {
    TreeInvariants.check(database);
  }

  @Test
  void aNewNodeIsReadBackWithItsDataAndStat() {
    byte[] data = "Grüße".getBytes(UTF_8);
    Created created = tree.create(NewNode.at("/a").data(data));
    assertThat(created.path()).isEqualTo("/a");
    Node node = tree.get("/a");
    assertThat(node.data()).isEqualTo(data);
    assertThat(node.stat()).isEqualTo(created.stat());
    assertThat(tree.stat("/a")).isEqualTo(created.stat());
    assertThat(tree.exists("/a")).contains(created.stat());
    Stat stat = created.stat();
    assertThat(stat.mzxid()).isEqualTo(stat.czxid());
    assertThat(stat.pzxid()).isEqualTo(stat.czxid());
    assertThat(stat.mtime()).isEqualTo(stat.ctime());
    assertThat(stat.version()).isZero();
    assertThat(stat.cversion()).isZero();
    assertThat(stat.numChildren()).isZero();
    assertThat(stat.ephemeralOwner()).isZero();
    assertThat(stat.dataLength()).isEqualTo(data.length);
  }

  @Test
  void dataComesBackByteForByteUpToTheLimit() {
    byte[] data = new byte[1024 * 1024 - 1];
    new Random(1).nextBytes(data);
    tree.create("/large", data);
    assertThat(tree.get("/large").data()).isEqualTo(data);
    tree.set("/large", NONE);
    assertThat(tree.get("/large").data()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void everyKindIsCreatedAsAsked(CreateMode mode) {
    NewNode node = NewNode.at("/n-").mode(mode);
    Created created = tree.create(mode.hasTtl() ? node.ttl(Duration.ofHours(1)) : node);
    assertThat(created.path()).isEqualTo(mode.isSequential() ? "/n-0000000000" : "/n-");
    assertThat(tree.children("/")).containsExactly(created.path().substring(1));
    assertThat(tree.stat(created.path()).ephemeralOwner())
        .isEqualTo(mode.isEphemeral() ? keeper.session().id() : 0);
    assertThat(
            database.queryString(
                "SELECT kind || coalesce(' for ' || ttl, '') FROM ${schema}.nodes WHERE czxid = "
                    + created.stat().czxid()))
        .isEqualTo(
            switch (mode.kind()) {
              case PERSISTENT -> "persistent";
              case EPHEMERAL -> "ephemeral";
              case CONTAINER -> "container";
              case TTL -> "ttl for 01:00:00";
            });
  }

  @Test
  void anEphemeralGoesWithItsSessionAndAllOfThemAtOneMoment() {
    Tree root = tree;
    root.create("/x", NONE);
    root.create("/y", NONE);
    root.create("/x/stays", NONE);
    long owner;
    try (Keeper other = Keeper.connect(database.dataSource(), options())) {
      owner = other.session().id();
      Tree same = other.tree().chroot(chrootOf(root));
      same.create("/x/e1", NONE, CreateMode.EPHEMERAL);
      same.create("/y/e2", NONE, CreateMode.EPHEMERAL_SEQUENTIAL);
      assertThat(root.stat("/x/e1").ephemeralOwner()).isEqualTo(owner);
    }
    assertThat(root.children("/x")).containsExactly("stays");
    assertThat(root.children("/y")).isEmpty();
    assertThat(root.stat("/x").pzxid()).isEqualTo(root.stat("/y").pzxid());
    assertThat(root.stat("/x").cversion()).isEqualTo(3);
  }

  private static String chrootOf(Tree root) {
    long czxid = root.stat("/").czxid();
    return database.queryString("SELECT path FROM ${schema}.nodes WHERE czxid = " + czxid);
  }

  @Test
  void aMissingParentIsNoNode() {
    assertThatThrownBy(() -> tree.create("/no/child", NONE))
        .isInstanceOf(KeeperException.NoNode.class)
        .hasMessageContaining("/no/child");
    assertThat(tree.exists("/no")).isEmpty();
  }

  @Test
  void missingParentsAreCreatedAsPersistentNodesWithoutData() {
    tree.create("/a", "kept".getBytes(UTF_8));
    Created created =
        tree.create(
            NewNode.at("/a/b/c/d")
                .data(new byte[] {1})
                .mode(CreateMode.EPHEMERAL_SEQUENTIAL)
                .withParents());
    assertThat(created.path()).isEqualTo("/a/b/c/d0000000000");
    assertThat(tree.get("/a").data()).asString(UTF_8).isEqualTo("kept");
    for (String between : List.of("/a/b", "/a/b/c")) {
      Node node = tree.get(between);
      assertThat(node.data()).isEmpty();
      assertThat(node.stat().ephemeralOwner()).isZero();
      assertThat(node.stat().numChildren()).isEqualTo(1);
    }
    tree.create(NewNode.at("/a/b/c/e").withParents());
    assertThat(tree.stat("/a/b/c").numChildren()).isEqualTo(2);
    assertThat(tree.stat("/a").version()).isZero();
  }

  @Test
  void parentsAreNotCreatedBelowAnEphemeral() {
    tree.create("/e", NONE, CreateMode.EPHEMERAL);
    String before = TreeInvariants.snapshot(database);
    assertThatThrownBy(() -> tree.create(NewNode.at("/e/x/y").withParents()))
        .isInstanceOf(KeeperException.NoChildrenForEphemerals.class)
        .hasMessageContaining("/e/x/y");
    assertThat(TreeInvariants.snapshot(database)).isEqualTo(before);
  }

  @Test
  void anEphemeralHasNoChildren() {
    tree.create("/e", NONE, CreateMode.EPHEMERAL);
    assertThatThrownBy(() -> tree.create("/e/child", NONE))
        .isInstanceOf(KeeperException.NoChildrenForEphemerals.class)
        .hasMessageContaining("/e/child");
  }

  @Test
  void aNodeThatExistsIsNotCreatedAgain() {
    tree.create("/a", new byte[] {1});
    String before = TreeInvariants.snapshot(database);
    for (NewNode again :
        List.of(NewNode.at("/a"), NewNode.at("/a").withParents(), NewNode.at("/"))) {
      assertThatThrownBy(() -> tree.create(again))
          .isInstanceOf(KeeperException.NodeExists.class)
          .hasMessageContaining(again.path());
    }
    assertThat(TreeInvariants.snapshot(database)).isEqualTo(before);
  }

  @Test
  void aSetChangesDataVersionAndMzxidEvenIfTheDataIsTheSame() {
    Stat first = tree.create(NewNode.at("/a").data(new byte[] {1})).stat();
    Stat second = tree.set("/a", new byte[] {1}, 0);
    assertThat(second.version()).isEqualTo(1);
    assertThat(second.mzxid()).isGreaterThan(first.mzxid());
    assertThat(second.mtime()).isAfter(first.mtime());
    assertThat(second.czxid()).isEqualTo(first.czxid());
    assertThat(second.ctime()).isEqualTo(first.ctime());
    assertThat(tree.stat("/a")).isEqualTo(second);
  }

  @Test
  void aSetOfAnotherVersionIsRefused() {
    tree.create("/a", new byte[] {1});
    tree.set("/a", new byte[] {2});
    for (int version : new int[] {0, 2, Integer.MAX_VALUE}) {
      assertThatThrownBy(() -> tree.set("/a", new byte[] {3}, version))
          .isInstanceOf(KeeperException.BadVersion.class)
          .hasMessageContaining("/a");
    }
    assertThat(tree.get("/a").data()).containsExactly(2);
    assertThatThrownBy(() -> tree.set("/b", NONE)).isInstanceOf(KeeperException.NoNode.class);
  }

  @Test
  void aDeleteRefusesANodeWithChildren() {
    tree.create(NewNode.at("/a/b").withParents());
    assertThatThrownBy(() -> tree.delete("/a"))
        .isInstanceOf(KeeperException.NotEmpty.class)
        .hasMessageContaining("/a");
    tree.delete("/a/b");
    tree.delete("/a");
    assertThat(tree.exists("/a")).isEmpty();
  }

  @Test
  void aDeleteOfAnotherVersionIsRefused() {
    tree.create("/a", NONE);
    assertThatThrownBy(() -> tree.delete("/a", 1)).isInstanceOf(KeeperException.BadVersion.class);
    tree.set("/a", NONE);
    assertThatThrownBy(() -> tree.delete("/a", 0)).isInstanceOf(KeeperException.BadVersion.class);
    tree.delete("/a", 1);
    assertThatThrownBy(() -> tree.delete("/a")).isInstanceOf(KeeperException.NoNode.class);
  }

  @Test
  void aVersionIsJudgedBeforeTheChildrenAre() {
    tree.create(NewNode.at("/a/b").withParents());
    assertThatThrownBy(() -> tree.delete("/a", 7)).isInstanceOf(KeeperException.BadVersion.class);
  }

  @Test
  void theRootIsNotDeleted() {
    assertThatThrownBy(() -> whole.delete("/")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> whole.deleteRecursive("/"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(whole.exists("/")).isPresent();
  }

  @Test
  void aRecursiveDeleteTakesTheSubtreeAndNothingThatSortsBesideIt() {
    for (String path :
        List.of("/a", "/a/b", "/a/b/c", "/a/z", "/a b", "/a-b", "/a.b", "/a0", "/ab", "/A")) {
      tree.create(path, NONE);
    }
    tree.create("/a/e", NONE, CreateMode.EPHEMERAL);
    assertThat(tree.deleteRecursive("/a")).isEqualTo(5);
    assertThat(tree.children("/")).containsExactly("A", "a b", "a-b", "a.b", "a0", "ab");
    assertThat(tree.stat("/").cversion()).isEqualTo(7 + 1);
    assertThatThrownBy(() -> tree.deleteRecursive("/a")).isInstanceOf(KeeperException.NoNode.class);
    assertThat(tree.deleteRecursive("/ab")).isEqualTo(1);
  }

  @Test
  void childrenAreSorted() {
    List<String> names = List.of("Z", "a", "a-1", "ab", "b", "é", "日本", "10");
    for (String name : names) {
      tree.create("/" + name, NONE);
    }
    tree.create("/a/below", NONE);
    assertThat(tree.children("/")).isEqualTo(names.stream().sorted().toList());
    assertThat(tree.children("/b")).isEmpty();
    assertThatThrownBy(() -> tree.children("/none")).isInstanceOf(KeeperException.NoNode.class);
  }

  @Test
  void pagesOfSeveralThousandChildrenAreTheChildrenInOrder() {
    tree.create("/many", NONE);
    tree.create("/many-other", NONE);
    for (int from = 0; from < 5000; from += 1000) {
      tree.multi(
          IntStream.range(from, from + 1000)
              .mapToObj(i -> Op.create("/many/" + (i * 7919 % 5000), NONE))
              .toList());
    }
    List<String> expected = IntStream.range(0, 5000).mapToObj(Integer::toString).sorted().toList();
    assertThat(tree.children("/many")).isEqualTo(expected);
    List<String> paged = new ArrayList<>();
    int pages = 0;
    ChildPage page;
    do {
      page = tree.childPage("/many", paged.isEmpty() ? "" : paged.get(paged.size() - 1), 700);
      assertThat(page.names()).hasSizeLessThanOrEqualTo(700);
      paged.addAll(page.names());
      pages++;
    } while (page.hasMore());
    assertThat(paged).isEqualTo(expected);
    assertThat(pages).isEqualTo(8);
    assertThat(tree.childPage("/many", "", 5000)).isEqualTo(new ChildPage(expected, false));
    assertThat(tree.childPage("/many", "", 4999).hasMore()).isTrue();
    assertThat(tree.childPage("/many", "9999", 10)).isEqualTo(new ChildPage(List.of(), false));
    assertThat(tree.childPage("/many", "4998x", 1).names()).containsExactly("4999");
    assertThatThrownBy(() -> tree.childPage("/none", "", 10))
        .isInstanceOf(KeeperException.NoNode.class);
  }

  @Test
  void aParentCountsItsChildren() {
    Stat empty = tree.create(NewNode.at("/p")).stat();
    long created = tree.create(NewNode.at("/p/a")).stat().czxid();
    assertThat(tree.stat("/p").pzxid()).isEqualTo(created);
    tree.create("/p/b", NONE, CreateMode.EPHEMERAL);
    tree.create("/p/a/deeper", NONE);
    tree.set("/p/a", NONE);
    tree.delete("/p/b");
    Stat stat = tree.stat("/p");
    assertThat(stat.numChildren()).isEqualTo(1);
    assertThat(stat.cversion()).isEqualTo(3);
    assertThat(stat.pzxid()).isGreaterThan(created);
    assertThat(stat.mzxid()).isEqualTo(empty.mzxid());
    assertThat(stat.version()).isZero();
  }

  @Test
  void aSequenceCountsCreatesOfAnyKindAndBeginsAgainWithItsParent() {
    tree.create("/q", NONE);
    tree.create("/q/plain", NONE);
    assertThat(tree.create("/q/s-", NONE, CreateMode.PERSISTENT_SEQUENTIAL))
        .isEqualTo("/q/s-0000000001");
    tree.delete("/q/s-0000000001");
    tree.delete("/q/plain");
    assertThatThrownBy(() -> tree.create("/q/x/y", NONE))
        .isInstanceOf(KeeperException.NoNode.class);
    assertThat(tree.create("/q/", NONE, CreateMode.EPHEMERAL_SEQUENTIAL))
        .isEqualTo("/q/0000000002");
    tree.deleteRecursive("/q");
    tree.create("/q", NONE);
    assertThat(tree.create("/q/s-", NONE, CreateMode.PERSISTENT_SEQUENTIAL))
        .isEqualTo("/q/s-0000000000");
  }

  @Test
  void aNumberAloneGoesBelowTheRoot() {
    String alone = whole.create("/", NONE, CreateMode.PERSISTENT_SEQUENTIAL);
    assertThat(alone).matches("/[0-9]{10}");
    List<OpResult> inMulti = whole.multi(Op.create("/", NONE, CreateMode.PERSISTENT_SEQUENTIAL));
    assertThat(inMulti.get(0).path()).matches("/[0-9]{10}").isGreaterThan(alone);
    assertThat(whole.children("/"))
        .contains(alone.substring(1), inMulti.get(0).path().substring(1));
  }

  @Test
  void aSequentialNameThatIsTakenExistsAlready() {
    tree.create("/s-0000000001", NONE);
    assertThatThrownBy(() -> tree.create("/s-", NONE, CreateMode.PERSISTENT_SEQUENTIAL))
        .isInstanceOf(KeeperException.NodeExists.class);
    tree.create("/other", NONE);
    assertThat(tree.create("/s-", NONE, CreateMode.PERSISTENT_SEQUENTIAL))
        .isEqualTo("/s-0000000002");
  }

  @Test
  void severalReadsAnswerInOrderEachWithItsOwnError() {
    tree.create("/a", new byte[] {1});
    tree.create("/a/y", NONE);
    tree.create("/a/x", NONE);
    List<ReadResult> results =
        tree.readAll(
            List.of(
                Read.children("/a"),
                Read.node("/none"),
                Read.node("/a"),
                Read.children("/none"),
                Read.children("/a/x"),
                Read.node("/a")));
    assertThat(results)
        .extracting(ReadResult::code)
        .containsExactly(Code.OK, Code.NO_NODE, Code.OK, Code.NO_NODE, Code.OK, Code.OK);
    assertThat(results.get(0).children()).containsExactly("x", "y");
    assertThat(results.get(0).node()).isNull();
    assertThat(results.get(1).node()).isNull();
    assertThat(results.get(2).node()).isEqualTo(tree.get("/a"));
    assertThat(results.get(2).children()).isNull();
    assertThat(results.get(3).children()).isNull();
    assertThat(results.get(4).children()).isEmpty();
    assertThat(results.get(5)).isEqualTo(results.get(2));
    assertThat(tree.readAll(List.of())).isEmpty();
  }

  @Test
  void aLaterNodeOfAPathHasALargerCzxid() {
    long last = 0;
    for (int i = 0; i < 20; i++) {
      long czxid = tree.create(NewNode.at("/token")).stat().czxid();
      assertThat(czxid).isGreaterThan(last);
      last = czxid;
      tree.delete("/token");
    }
  }

  @Test
  void nothingThatIsPrintedShowsData() {
    byte[] secret = "secret".getBytes(UTF_8);
    tree.create("/a", secret);
    assertThat(
            List.of(
                NewNode.at("/a").data(secret),
                tree.get("/a"),
                Op.create("/a", secret),
                Op.set("/a", secret),
                tree.readAll(List.of(Read.node("/a"))),
                keeper))
        .allSatisfy(
            printed ->
                assertThat(printed.toString())
                    .doesNotContain("secret")
                    .doesNotContain("115, 101")
                    .doesNotContain("[B@"));
  }
}
