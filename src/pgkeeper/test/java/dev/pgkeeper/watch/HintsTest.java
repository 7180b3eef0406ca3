package dev.pgkeeper.watch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.InvalidPathException;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.HintListener;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Scope;
import dev.pgkeeper.tree.Tree;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Where it is worth looking, for whoever keeps a copy. */
class HintsTest {
  private static TestDatabase database;
  private static Keeper writer;
  private static Keeper keeper;

  @BeforeAll
  static void connect() {
    database = TestDatabase.fresh();
    writer = database.keeper();
    keeper = database.keeper();
  }

  @AfterAll
  static void close() {
    keeper.close();
    writer.close();
    database.close();
  }

  private static Tree tree() {
    return writer.tree();
  }

  private static void create(String... paths) {
    for (String path : paths) {
      tree().create(NewNode.at(path).withParents());
    }
  }

  /** Notes where it is to look. */
  private static final class Noted implements HintListener {
    final Heard<String> heard = new Heard<>();

    @Override
    public void somewhere(String path) {
      heard.add(path);
    }

    @Override
    public void anywhere() {
      heard.add("anywhere");
    }

    @Override
    public void sweep() {
      heard.add("sweep");
    }

    /** What was heard since this was last asked, once everything that was rung has been told. */
    List<String> since(int before) {
      keeper.tree().sync();
      List<String> all = heard.all();
      return all.subList(before, all.size());
    }
  }

  private static List<String> after(Noted noted, Runnable change) {
    keeper.tree().sync();
    int before = noted.heard.all().size();
    change.run();
    return noted.since(before);
  }

  @Test
  void aNodeIsHintedAtWhenItOrAChildComesOrGoesOrItIsSet() {
    Noted noted = new Noted();
    try (Subscription hints = keeper.tree().hints(Scope.NODE, "/n/a", noted)) {
      assertThat(after(noted, () -> create("/n/a"))).containsOnly("/n/a").isNotEmpty();
      assertThat(after(noted, () -> tree().set("/n/a", new byte[1]))).containsExactly("/n/a");
      assertThat(after(noted, () -> create("/n/a/b"))).containsOnly("/n/a").isNotEmpty();
      assertThat(after(noted, () -> create("/n/ab"))).isEmpty();
      assertThat(after(noted, () -> tree().deleteRecursive("/n/a"))).contains("/n/a");
      assertThat(hints).isNotNull();
    }
  }

  /** One ring serves both, and names the child. */
  @Test
  void aNodeIsHintedAtForItsChildrenAlsoWhereSomebodyFollowsAllAroundIt() {
    create("/o/a/b/c");
    Noted noted = new Noted();
    try (Subscription hints = keeper.tree().hints(Scope.NODE, "/o/a", noted);
        Subscription all = keeper.tree().hints(Scope.SUBTREE, "/o", new Noted())) {
      assertThat(after(noted, () -> tree().create("/o/a/new", new byte[0])))
          .containsOnly("/o/a")
          .isNotEmpty();
      assertThat(after(noted, () -> tree().set("/o/a/b/c", new byte[1]))).isEmpty();
      assertThat(List.of(hints, all)).doesNotContainNull();
    }
  }

  @Test
  void childrenAreHintedAtWhenTheyOrTheirChildrenChangeAndNothingDeeper() {
    create("/c/a/b/c", "/c2");
    Noted noted = new Noted();
    try (Subscription hints = keeper.tree().hints(Scope.CHILDREN, "/c", noted)) {
      assertThat(after(noted, () -> tree().create("/c/new", new byte[0])))
          .containsOnly("/c/new")
          .isNotEmpty();
      assertThat(after(noted, () -> tree().set("/c/a", new byte[1]))).containsExactly("/c/a");
      assertThat(after(noted, () -> tree().create("/c/a/new", new byte[0])))
          .containsOnly("/c/a")
          .isNotEmpty();
      assertThat(after(noted, () -> tree().set("/c/a/b/c", new byte[1]))).isEmpty();
      assertThat(after(noted, () -> tree().set("/c2", new byte[1]))).isEmpty();
      assertThat(after(noted, () -> tree().deleteRecursive("/c"))).contains("anywhere");
      assertThat(hints).isNotNull();
    }
  }

  @Test
  void aSubtreeIsHintedAtHoweverDeepAndByItsRootWhereAllOfItGoes() {
    create("/s/a/b");
    Noted noted = new Noted();
    try (Subscription hints = keeper.tree().hints(Scope.SUBTREE, "/s", noted)) {
      assertThat(after(noted, () -> tree().set("/s/a/b", new byte[1]))).containsExactly("/s/a/b");
      assertThat(after(noted, () -> create("/s/a/c/d"))).contains("/s/a/c", "/s/a/c/d");
      assertThat(after(noted, () -> create("/s!"))).isEmpty();
      assertThat(after(noted, () -> tree().deleteRecursive("/s/a"))).contains("/s/a");
      assertThat(hints).isNotNull();
    }
  }

  @Test
  void afterABreakOfTheConnectionAnythingMayHaveChanged() {
    Noted noted = new Noted();
    try (Keeper broken = database.keeper();
        Subscription hints = broken.tree().hints(Scope.SUBTREE, "/broken", noted)) {
      assertThat(SessionLog.terminateBackendOf(database, broken.session().id())).isTrue();
      noted.heard.await("anywhere");
      create("/broken/a");
      noted.heard.await("/broken/a");
      assertThat(hints).isNotNull();
    }
  }

  @Test
  void itIsTimeToLookWithEverySweepAndAnywhereWhereThereAreNoRings() {
    KeeperOptions often = database.keeperOptions().withSweep(Duration.ofMillis(100));
    Noted sweeps = new Noted();
    try (Keeper sweeping = Keeper.connect(database.dataSource(), often);
        Subscription hints = sweeping.tree().hints(Scope.NODE, "/sweep", sweeps)) {
      sweeps.heard.await("sweep");
      assertThat(hints).isNotNull();
    }
    Noted polls = new Noted();
    try (Keeper polling = Keeper.connect(database.dataSource(), often.withLeaseOnly());
        Subscription hints = polling.tree().hints(Scope.NODE, "/sweep", polls)) {
      polls.heard.await(told -> told.equals("sweep") || told.equals("anywhere"));
      assertThat(hints).isNotNull();
    }
  }

  @Test
  void whoIsClosedIsHintedAtNothingMoreAndForgotten() {
    KeeperOptions often = database.keeperOptions().withSweep(Duration.ofMillis(100));
    try (Keeper own = Keeper.connect(database.dataSource(), often)) {
      Noted closed = new Noted();
      Noted open = new Noted();
      Subscription hints = own.tree().hints(Scope.SUBTREE, "/closed", closed);
      try (Subscription others = own.tree().hints(Scope.SUBTREE, "/closed", open)) {
        hints.close();
        create("/closed/a");
        open.heard.await("/closed/a");
        assertThat(closed.heard.all()).doesNotContain("/closed/a");
        assertThat(others).isNotNull();
      }
      Await.until(
          "the registration is forgotten",
          () ->
              database.queryLong(
                      "SELECT count(*) FROM ${schema}.watch WHERE session = " + own.session().id())
                  == 0);
    }
  }

  @Test
  void aChrootIsSeenFromInside() {
    Noted noted = new Noted();
    try (Subscription hints = keeper.tree().chroot("/root").hints(Scope.SUBTREE, "/in", noted)) {
      assertThat(after(noted, () -> create("/root/in/a"))).contains("/in", "/in/a");
      assertThat(hints).isNotNull();
    }
    assertThatThrownBy(() -> keeper.tree().hints(Scope.SUBTREE, "in", noted))
        .isInstanceOf(InvalidPathException.class);
  }
}
