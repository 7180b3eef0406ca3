package dev.pgkeeper.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.InvalidPathException;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.Insist;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TwoClients;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.PathNode;
import dev.pgkeeper.tree.Scope;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.WatchKind;
import dev.pgkeeper.tree.WatchMode;
import dev.pgkeeper.tree.Watcher;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

class NodeCacheTest extends TwoClients {
  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Tree tree() {
    return other.tree();
  }

  private static void create(String... paths) {
    for (String path : paths) {
      tree().create(NewNode.at(path).data(bytes(path)).withParents());
    }
  }

  private static NodeCache initialised(NodeCache cache) throws InterruptedException {
    assertThat(cache.awaitInitialised(Await.LIMIT)).isTrue();
    return cache;
  }

  private static List<String> paths(NodeCache cache) {
    return cache.stream().map(PathNode::path).toList();
  }

  private static void awaitPaths(NodeCache cache, String... expected) {
    Await.until(
        () -> cache + " shows " + List.of(expected) + "; it shows " + paths(cache),
        () -> paths(cache).equals(List.of(expected)));
  }

  private static void awaitData(NodeCache cache, String path, String data) {
    Await.until(
        () -> path + " has " + data + "; it has " + data(cache, path),
        () -> data.equals(data(cache, path)));
  }

  private static String data(NodeCache cache, String path) {
    return cache
        .get(path)
        .map(node -> new String(node.data(), StandardCharsets.UTF_8))
        .orElse(null);
  }

  /** The nodes' numbers and data as they are in the database. */
  private static void awaitSame(NodeCache cache, List<String> expected) {
    Await.until(
        () -> cache + " is what is there",
        () ->
            cache.stream()
                    .allMatch(
                        each ->
                            tree()
                                .exists(each.path())
                                .equals(java.util.Optional.of(each.node().stat())))
                && paths(cache).equals(expected));
  }

  /** What a listener is told, in a word. */
  private static final class Told implements CacheListener {
    final Heard<String> heard = new Heard<>();

    @Override
    public void changed(CacheChange change) {
      heard.add(
          change.path()
              + ": "
              + text(change.before())
              + " -> "
              + text(change.now())
              + (change.isCreated() ? " created" : "")
              + (change.isChanged() ? " changed" : "")
              + (change.isDeleted() ? " deleted" : ""));
    }

    @Override
    public void initialised() {
      heard.add("initialised");
    }

    private static String text(Node node) {
      return node == null
          ? "-"
          : new String(node.data(), StandardCharsets.UTF_8) + "@" + node.stat().version();
    }
  }

  @Test
  void eachScopeShowsWhatBelongsToItAndFollowsIt() throws Exception {
    create("/s/a", "/s/a!", "/s/a/x", "/s/a/x/y", "/s/b", "/s2");
    try (NodeCache node = initialised(keeper.cache("/s", Scope.NODE));
        NodeCache children = initialised(keeper.cache("/s", Scope.CHILDREN));
        NodeCache subtree = initialised(keeper.cache("/s", Scope.SUBTREE))) {
      assertThat(paths(node)).containsExactly("/s");
      assertThat(paths(children)).containsExactly("/s/a", "/s/a!", "/s/b");
      assertThat(paths(subtree))
          .containsExactly("/s", "/s/a", "/s/a!", "/s/a/x", "/s/a/x/y", "/s/b");
      assertThat(subtree.children("/s")).containsExactly("a", "a!", "b");
      assertThat(subtree.children("/s/a")).containsExactly("x");
      assertThat(subtree.children("/s/b")).isEmpty();
      assertThat(children.children("/s")).containsExactly("a", "a!", "b");
      assertThat(subtree.size()).isEqualTo(6);
      assertThat(subtree.get("/s/a/x").map(Node::stat)).contains(tree().stat("/s/a/x"));
      assertThat(subtree.get("/s2")).isEmpty();

      create("/s/c", "/s/a/z");
      tree().set("/s", bytes("new"));
      tree().set("/s/b", bytes("new"));
      tree().delete("/s/a!");
      tree().deleteRecursive("/s/a/x");
      awaitSame(node, List.of("/s"));
      awaitSame(children, List.of("/s/a", "/s/b", "/s/c"));
      awaitSame(subtree, List.of("/s", "/s/a", "/s/a/z", "/s/b", "/s/c"));
      awaitData(node, "/s", "new");
      awaitData(children, "/s/b", "new");
      awaitData(subtree, "/s/b", "new");
      tree().deleteRecursive("/s");
      awaitPaths(node);
      awaitPaths(children);
      awaitPaths(subtree);
    }
  }

  @Test
  void theWholeTreeCanBeCached() throws Exception {
    try (NodeCache cache = initialised(keeper.cache("/", Scope.SUBTREE));
        NodeCache top = initialised(keeper.cache("/", Scope.CHILDREN))) {
      create("/whole/a");
      awaitData(cache, "/whole/a", "/whole/a");
      awaitData(top, "/whole", "");
      assertThat(cache.get("/")).isPresent();
      assertThat(top.get("/")).isEmpty();
      assertThat(cache.children("/")).isEqualTo(top.children("/")).contains("whole");
    }
  }

  @Test
  void aListenerIsToldOfWhatIsThereThenOfTheEndOfThatThenOfChangesWithOldAndNew() throws Exception {
    create("/l/a");
    try (NodeCache cache = keeper.cache("/l", Scope.CHILDREN)) {
      Told early = new Told();
      cache.listen(early);
      early.heard.await("initialised");
      Told late = new Told();
      cache.listen(late);
      late.heard.await("initialised");
      tree().set("/l/a", bytes("two"));
      early.heard.await("/l/a: /l/a@0 -> two@1 changed");
      create("/l/b");
      early.heard.await("/l/b: - -> /l/b@0 created");
      tree().delete("/l/a");
      early.heard.await("/l/a: two@1 -> - deleted");
      late.heard.await("/l/a: two@1 -> - deleted");
      assertThat(early.heard.all())
          .containsExactly(
              "/l/a: - -> /l/a@0 created",
              "initialised",
              "/l/a: /l/a@0 -> two@1 changed",
              "/l/b: - -> /l/b@0 created",
              "/l/a: two@1 -> - deleted")
          .isEqualTo(late.heard.all());
    }
  }

  @Test
  void whoAsksOnlyWhetherSomethingChangedIsToldOnceOfWhatWasFoundAtOnce() throws Exception {
    create("/once/a", "/once/b", "/once/c");
    try (NodeCache cache = keeper.cache("/once", Scope.CHILDREN)) {
      Heard<Integer> sizes = new Heard<>();
      cache.onChange(() -> sizes.add(cache.size()));
      sizes.await(3);
      tree().delete("/once/a");
      sizes.await(2);
      assertThat(sizes.all()).containsExactly(3, 2);
      Heard<Integer> later = new Heard<>();
      cache.onChange(() -> later.add(cache.size())).close();
      cache.onChange(() -> later.add(cache.size()));
      tree().delete("/once/b");
      later.await(1);
      assertThat(later.all()).containsExactly(2, 2, 1);
    }
  }

  /** The trap: the same path with the same version, but another node. */
  @Test
  void aDeletionAndRecreationWithTheSameVersionIsToldAsBoth() throws Exception {
    create("/again/a/below");
    try (NodeCache cache = initialised(keeper.cache("/again", Scope.SUBTREE))) {
      Told told = new Told();
      cache.listen(told);
      told.heard.await("initialised");
      tree()
          .multi(
              Op.delete("/again/a/below"),
              Op.delete("/again/a"),
              Op.create("/again/a", bytes("new")));
      told.heard.await("/again/a: - -> new@0 created");
      assertThat(told.heard.all().stream().filter(each -> each.endsWith("deleted")))
          .containsExactlyInAnyOrder(
              "/again/a/below: /again/a/below@0 -> - deleted", "/again/a: @0 -> - deleted");
      awaitSame(cache, List.of("/again", "/again/a"));
    }
  }

  /** Only the deletion of the root rings, so whoever only looks there must know what it means. */
  @Test
  void whatWasBelowANodeThatIsAnotherOneNowIsLookedAtAgain() throws Exception {
    create("/moved/a/one", "/moved/a/two");
    try (NodeCache cache = initialised(keeper.cache("/moved", Scope.SUBTREE));
        var connection = database.connect()) {
      connection.setAutoCommit(false);
      other.tree(connection).deleteRecursive("/moved/a");
      other.tree(connection).create("/moved/a", bytes(""));
      other.tree(connection).create("/moved/a/two", bytes("new"));
      connection.commit();
      awaitData(cache, "/moved/a/two", "new");
      awaitSame(cache, List.of("/moved", "/moved/a", "/moved/a/two"));
    }
  }

  @Test
  void aPathThatIsNotThereThatComesGoesAndComesBackIsFollowed() throws Exception {
    try (NodeCache node = initialised(keeper.cache("/comes/goes", Scope.NODE));
        NodeCache children = initialised(keeper.cache("/comes/goes", Scope.CHILDREN));
        NodeCache subtree = initialised(keeper.cache("/comes/goes", Scope.SUBTREE))) {
      for (int round = 0; round < 3; round++) {
        assertThat(node.size() + children.size() + subtree.size()).isZero();
        create("/comes/goes/a");
        awaitPaths(node, "/comes/goes");
        awaitPaths(children, "/comes/goes/a");
        awaitPaths(subtree, "/comes/goes", "/comes/goes/a");
        tree().deleteRecursive("/comes");
        awaitPaths(node);
        awaitPaths(children);
        awaitPaths(subtree);
      }
    }
  }

  @Test
  void theFilterLeavesOutPathsAndNothingElse() throws Exception {
    create("/f/keep/a", "/f/drop/keep");
    CacheOptions options = CacheOptions.defaults().withFilter(path -> !path.endsWith("drop"));
    try (NodeCache cache = initialised(keeper.cache("/f", Scope.SUBTREE, options))) {
      Told told = new Told();
      cache.listen(told);
      told.heard.await("initialised");
      tree().set("/f/drop", bytes("silent"));
      create("/f/keep/drop");
      create("/f/last");
      told.heard.await("/f/last: - -> /f/last@0 created");
      assertThat(told.heard.all()).noneMatch(each -> each.contains("drop:"));
      assertThat(paths(cache))
          .containsExactly("/f", "/f/drop/keep", "/f/keep", "/f/keep/a", "/f/last");
      assertThat(cache.size()).isEqualTo(5);
      assertThat(cache.children("/f")).containsExactly("keep", "last");
      assertThat(cache.get("/f/drop")).isEmpty();
      tree().deleteRecursive("/f/drop");
      awaitPaths(cache, "/f", "/f/keep", "/f/keep/a", "/f/last");
    }
  }

  @Test
  void withoutDataItKeepsStats() throws Exception {
    create("/stats/a");
    try (NodeCache cache =
        initialised(keeper.cache("/stats", Scope.SUBTREE, CacheOptions.defaults().withoutData()))) {
      Node node = cache.get("/stats/a").orElseThrow();
      assertThat(node.data()).isEmpty();
      assertThat(node.stat()).isEqualTo(tree().stat("/stats/a"));
    }
  }

  @Test
  void moreThanItMayKeepIsReportedAndNeverShownInPart() throws Exception {
    create("/many/1", "/many/2", "/many/3");
    CacheOptions four = CacheOptions.defaults().withMostNodes(4);
    try (NodeCache cache = initialised(keeper.cache("/many", Scope.SUBTREE, four))) {
      Heard<String> errors = new Heard<>();
      cache.onError(failure -> errors.add(failure.getMessage()));
      create("/many/4");
      errors.await(told -> told.contains("/many") && told.contains("4 nodes"));
      assertThatIllegalStateException().isThrownBy(cache::size).withMessageContaining("4 nodes");
      assertThatIllegalStateException().isThrownBy(() -> cache.get("/many/1"));
      assertThatIllegalStateException().isThrownBy(() -> cache.awaitCurrent(Await.LIMIT));
    }
    CacheOptions bytes = CacheOptions.defaults().withMostDataBytes(10);
    try (NodeCache cache = keeper.cache("/many", Scope.SUBTREE, bytes)) {
      assertThatIllegalStateException()
          .isThrownBy(() -> cache.awaitInitialised(Await.LIMIT))
          .withMessageContaining("10 bytes");
      Heard<String> errors = new Heard<>();
      cache.onError(failure -> errors.add(failure.getMessage()));
      errors.await(told -> told.contains("10 bytes"));
    }
  }

  @Test
  void nodesOnManyPagesAreAllThere() throws Exception {
    create("/pages");
    database.execute(
        """
        SELECT ${schema}.create('/pages/' || i, convert_to('d' || i, 'UTF8')) FROM generate_series(1, 4500) i
        """);
    try (NodeCache subtree = initialised(keeper.cache("/pages", Scope.SUBTREE));
        NodeCache children = initialised(keeper.cache("/pages", Scope.CHILDREN))) {
      assertThat(subtree.size()).isEqualTo(4501);
      assertThat(children.size()).isEqualTo(4500);
      assertThat(data(subtree, "/pages/3999")).isEqualTo("d3999");
      database.execute(
          "SELECT ${schema}.delete('/pages/' || i) FROM generate_series(1, 4500) i WHERE i % 3 = 0");
      assertThat(subtree.awaitCurrent(Await.LIMIT)).isTrue();
      assertThat(children.awaitCurrent(Await.LIMIT)).isTrue();
      assertThat(subtree.size()).isEqualTo(3001);
      assertThat(children.size()).isEqualTo(3000);
    }
  }

  @Test
  void aPageEndsWhereItsDataBecomesTooMuchAndLeavesNothingOut() throws Exception {
    byte[] large = new byte[900_000];
    for (int i = 0; i < 12; i++) {
      tree().create(NewNode.at("/large/" + i).data(large).withParents());
    }
    assertThat(tree().nodePage(Scope.CHILDREN, "/large", "", 100).nodes()).hasSize(5);
    assertThat(tree().nodePage(Scope.CHILDREN, "/large", "", 100).hasMore()).isTrue();
    try (NodeCache cache = initialised(keeper.cache("/large", Scope.SUBTREE))) {
      assertThat(cache.size()).isEqualTo(13);
      assertThat(cache.stream().mapToLong(each -> each.node().data().length).sum())
          .isEqualTo(12L * 900_000);
    }
    tree().deleteRecursive("/large");
  }

  @Test
  void afterALostSessionItFollowsInTheNextOne() throws Exception {
    create("/lost/a");
    try (Keeper loses = database.keeper();
        NodeCache cache = initialised(loses.cache("/lost", Scope.CHILDREN))) {
      for (int round = 0; round < 2; round++) {
        SessionLog.lose(database, loses);
        String name = "/lost/in-between-" + round;
        create(name);
        awaitData(cache, name, name);
        tree().set("/lost/a", bytes("round " + round));
        awaitData(cache, "/lost/a", "round " + round);
      }
    }
  }

  @Test
  void whileTheDatabaseIsAwayItAnswersAndSaysHowOldItIsAndThenCatchesUp() throws Exception {
    create("/away/a", "/away/gone", "/away/replaced");
    try (TcpProxy proxy = TcpProxy.before(database.jdbcUrl())) {
      PGSimpleDataSource source = new PGSimpleDataSource();
      source.setUrl(proxy.through(database.jdbcUrl()));
      try (Keeper cutOff =
              Insist.on(
                  () ->
                      Keeper.connect(
                          source,
                          database.keeperOptions().withOperationTimeout(Duration.ofSeconds(1))));
          NodeCache cache = initialised(cutOff.cache("/away", Scope.CHILDREN))) {
        Told told = new Told();
        cache.listen(told);
        told.heard.await("initialised");
        proxy.cut();
        Stat replaced = tree().stat("/away/replaced");
        tree().set("/away/a", bytes("late"));
        tree().delete("/away/gone");
        tree().delete("/away/replaced");
        create("/away/replaced", "/away/new");
        assertThat(data(cache, "/away/a")).isEqualTo("/away/a");
        assertThat(cache.awaitCurrent(Duration.ofMillis(100))).isFalse();
        Duration age = cache.age().orElseThrow();
        Await.until("it ages", () -> cache.age().orElseThrow().compareTo(age) > 0);
        proxy.mend();
        awaitSame(cache, List.of("/away/a", "/away/new", "/away/replaced"));
        assertThat(cache.awaitCurrent(Await.LIMIT)).isTrue();
        assertThat(cache.get("/away/replaced").orElseThrow().stat().version())
            .isEqualTo(replaced.version());
        assertThat(told.heard.all())
            .contains(
                "/away/replaced: /away/replaced@0 -> - deleted",
                "/away/replaced: - -> /away/replaced@0 created");
      }
    }
  }

  @Test
  void aListenerThatThrowsIsReportedAndTheOthersAreTold() throws Exception {
    try (NodeCache cache = initialised(keeper.cache("/throws", Scope.CHILDREN))) {
      Heard<String> errors = new Heard<>();
      cache.onError(failure -> errors.add(failure.getMessage()));
      cache.listen(
          change -> {
            throw new IllegalArgumentException("no " + change.path());
          });
      Told told = new Told();
      cache.listen(told);
      create("/throws/a", "/throws/b");
      told.heard.await("/throws/b: - -> /throws/b@0 created");
      assertThat(errors.all()).contains("no /throws/a", "no /throws/b");
    }
  }

  @Test
  void aListenerThatWasClosedIsToldNothingMoreAndNoneWaitsForItself() throws Exception {
    try (NodeCache cache = initialised(keeper.cache("/closing", Scope.CHILDREN))) {
      Told told = new Told();
      var subscription = cache.listen(told);
      told.heard.await("initialised");
      subscription.close();
      CompletableFuture<Throwable> refused = new CompletableFuture<>();
      cache.listen(
          change -> {
            try {
              cache.awaitCurrent(Await.LIMIT);
            } catch (Exception e) {
              refused.complete(e);
            }
          });
      create("/closing/a");
      assertThat(dev.pgkeeper.testing.Futures.soon(refused))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("/closing");
      assertThat(told.heard.all()).containsExactly("initialised");
    }
  }

  @Test
  void aClosedOneSaysSoAndItsRegistrationIsForgotten() throws Exception {
    try (Keeper own =
        Keeper.connect(
            database.dataSource(), database.keeperOptions().withSweep(Duration.ofMillis(200)))) {
      NodeCache first = initialised(own.cache("/forgotten", Scope.SUBTREE));
      NodeCache second = initialised(own.cache("/forgotten", Scope.SUBTREE));
      first.close();
      assertThatIllegalStateException().isThrownBy(first::size).withMessageContaining("closed");
      create("/forgotten/a");
      awaitPaths(second, "/forgotten", "/forgotten/a");
      second.close();
      Await.until(
          "the database forgets the registration",
          () ->
              database.queryLong(
                      "SELECT count(*) FROM ${schema}.watch WHERE session = " + own.session().id())
                  == 0);
    }
  }

  /** Both kinds of watches of one path share a registration. */
  @Test
  void aCacheThatIsClosedLeavesAWatchAloneAndTheOtherWayRound() throws Exception {
    try (Keeper own =
        Keeper.connect(
            database.dataSource(), database.keeperOptions().withSweep(Duration.ofHours(1)))) {
      Heard<String> heard = new Heard<>();
      Watcher watcher = event -> heard.add(event.type() + " " + event.path());
      own.tree().watch("/shared", WatchMode.PERSISTENT_RECURSIVE, watcher);
      NodeCache cache = initialised(own.cache("/shared", Scope.SUBTREE));
      cache.close();
      create("/shared/a");
      heard.await("NODE_CREATED /shared/a");
      try (NodeCache another = initialised(own.cache("/shared", Scope.SUBTREE))) {
        own.tree().unwatch("/shared", WatchKind.ANY, watcher);
        create("/shared/b");
        awaitPaths(another, "/shared", "/shared/a", "/shared/b");
      }
    }
  }

  /** No node of the scope was created, set or deleted; its stat counts one child more. */
  @Test
  void aChildBelowTheScopeThatNobodyWasToldOfIsCountedAfterASweep() throws Exception {
    create("/counted/a");
    KeeperOptions deaf = database.keeperOptions().withLeaseOnly().withSweep(Duration.ofMillis(200));
    try (Keeper own = Keeper.connect(database.dataSource(), deaf);
        NodeCache cache = initialised(own.cache("/counted", Scope.CHILDREN))) {
      create("/counted/a/below");
      Await.until(
          "one child", () -> cache.get("/counted/a").orElseThrow().stat().numChildren() == 1);
    }
  }

  @Test
  void withoutRingsTheSweepFindsEverything() throws Exception {
    create("/lease/a");
    try (Keeper poller =
            Keeper.connect(database.dataSource(), database.keeperOptions().withLeaseOnly());
        NodeCache cache = initialised(poller.cache("/lease", Scope.SUBTREE))) {
      tree().set("/lease/a", bytes("new"));
      create("/lease/b");
      awaitSame(cache, List.of("/lease", "/lease/a", "/lease/b"));
      awaitData(cache, "/lease/a", "new");
    }
  }

  @Test
  void aChrootIsSeenFromInside() throws Exception {
    create("/root/in/a");
    try (Keeper inside =
            Keeper.connect(database.dataSource(), database.keeperOptions().withChroot("/root"));
        NodeCache cache = initialised(inside.cache("/in", Scope.SUBTREE));
        NodeCache whole = initialised(inside.cache("/", Scope.SUBTREE))) {
      assertThat(paths(cache)).containsExactly("/in", "/in/a");
      assertThat(paths(whole)).containsExactly("/", "/in", "/in/a");
      tree().set("/root/in/a", bytes("new"));
      tree().set("/root", bytes("new"));
      awaitData(cache, "/in/a", "new");
      awaitData(whole, "/in/a", "new");
      awaitData(whole, "/", "new");
    }
  }

  @Test
  void badInputIsRefusedAtOnce() {
    assertThatThrownBy(() -> keeper.cache("bad", Scope.NODE))
        .isInstanceOf(InvalidPathException.class);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CacheOptions.defaults().withMostNodes(0))
        .withMessageContaining("at least 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> tree().nodePage(Scope.SUBTREE, "/", "", 0))
        .withMessageContaining("the limit is 0");
    assertThat(tree().nodePage(Scope.SUBTREE, "/none", "", 10).nodes()).isEmpty();
    Keeper over = database.keeper();
    over.close();
    assertThatThrownBy(() -> over.cache("/a", Scope.NODE))
        .isInstanceOfAny(KeeperException.class, IllegalStateException.class);
  }
}
