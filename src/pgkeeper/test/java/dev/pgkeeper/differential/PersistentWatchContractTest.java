package dev.pgkeeper.differential;

import static dev.pgkeeper.tree.EventType.NODE_CHILDREN_CHANGED;
import static dev.pgkeeper.tree.EventType.NODE_CREATED;
import static dev.pgkeeper.tree.EventType.NODE_DATA_CHANGED;
import static dev.pgkeeper.tree.EventType.NODE_DELETED;
import static dev.pgkeeper.tree.WatchMode.PERSISTENT;
import static dev.pgkeeper.tree.WatchMode.PERSISTENT_RECURSIVE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.tree.NewNode;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Watches that are not used up: Anne changes, Bob watches. */
class PersistentWatchContractTest extends Contract {

  @Test
  void aPersistentWatchHearsOfEverythingAboutItsNodeAgainAndAgain() {
    watchForGood("/a", PERSISTENT, 0);
    for (int round = 0; round < 2; round++) {
      create("/a");
      assertBobHeard(heard(0, NODE_CREATED, "/a"));
      set("/a");
      assertBobHeard(heard(0, NODE_DATA_CHANGED, "/a"));
      set("/a");
      assertBobHeard(heard(0, NODE_DATA_CHANGED, "/a"));
      create("/a/b");
      assertBobHeard(heard(0, NODE_CHILDREN_CHANGED, "/a"));
      set("/a/b");
      assertBobHeard();
      create("/a/b/c");
      assertBobHeard();
      delete("/a/b/c");
      delete("/a/b");
      assertBobHeard(heard(0, NODE_CHILDREN_CHANGED, "/a"));
      delete("/a");
      assertBobHeard(heard(0, NODE_DELETED, "/a"));
    }
  }

  @Test
  void aRecursiveWatchHearsOfEveryNodeBelowAndOfNoChildrenLists() {
    watchForGood("/a", PERSISTENT_RECURSIVE, 0);
    create("/a");
    assertBobHeard(heard(0, NODE_CREATED, "/a"));
    create("/a/b");
    assertBobHeard(heard(0, NODE_CREATED, "/a/b"));
    create("/a/b/c");
    assertBobHeard(heard(0, NODE_CREATED, "/a/b/c"));
    set("/a/b");
    assertBobHeard(heard(0, NODE_DATA_CHANGED, "/a/b"));
    delete("/a/b/c");
    assertBobHeard(heard(0, NODE_DELETED, "/a/b/c"));
    delete("/a/b");
    assertBobHeard(heard(0, NODE_DELETED, "/a/b"));
    delete("/a");
    assertBobHeard(heard(0, NODE_DELETED, "/a"));
  }

  @Test
  void aRecursiveWatchHearsNothingOfNodesThatAreOnlyNamedAlike() {
    watchForGood("/a", PERSISTENT_RECURSIVE, 0);
    create("/ab");
    create("/ab/c");
    create("/a.");
    create("/b");
    assertBobHeard();
  }

  @Test
  void aRecursiveWatchOfTheRootHearsOfEverything() {
    watchForGood("/", PERSISTENT_RECURSIVE, 0);
    create("/a");
    assertBobHeard(heard(0, NODE_CREATED, "/a"));
    create("/a/b");
    assertBobHeard(heard(0, NODE_CREATED, "/a/b"));
    set("/");
    assertBobHeard(heard(0, NODE_DATA_CHANGED, "/"));
  }

  @Test
  void aChildrenWatchBelowARecursiveOneDoesNotMakeThatHearOfChildren() {
    create("/a");
    watchForGood("/", PERSISTENT_RECURSIVE, 0);
    watchChildren("/a", 1);
    create("/a/b");
    assertBobHeard(heard(0, NODE_CREATED, "/a/b"), heard(1, NODE_CHILDREN_CHANGED, "/a"));
  }

  @Test
  void theSameWatcherHearsOnceHoweverOftenAndWhereverItWasLeft() {
    create("/a");
    watchForGood("/a", PERSISTENT, 0);
    watchForGood("/a", PERSISTENT, 0);
    watchForGood("/a", PERSISTENT_RECURSIVE, 0);
    watchForGood("/", PERSISTENT_RECURSIVE, 0);
    watchData("/a", 0);
    set("/a");
    assertBobHeard(heard(0, NODE_DATA_CHANGED, "/a"));
    delete("/a");
    assertBobHeard(heard(0, NODE_DELETED, "/a"));
  }

  @Test
  void aOneShotWatchBesideAPersistentOneIsUsedUp() {
    create("/a");
    watchForGood("/a", PERSISTENT, 0);
    watchData("/a", 1);
    set("/a");
    assertThat(lockstep.heard(BOB)).hasSize(2);
    set("/a");
    assertBobHeard(heard(0, NODE_DATA_CHANGED, "/a"));
  }

  @Test
  void persistentAndRecursiveOnOnePathAreTwoWatches() {
    watchForGood("/a", PERSISTENT, 0);
    watchForGood("/a", PERSISTENT_RECURSIVE, 1);
    create("/a");
    assertThat(lockstep.heard(BOB)).hasSize(2);
    create("/a/b");
    assertBobHeard(heard(1, NODE_CREATED, "/a/b"), heard(0, NODE_CHILDREN_CHANGED, "/a"));
  }

  @Test
  void aSubtreeThatGoesIsToldOnceForEachNode() {
    created(ANNE, NewNode.at("/a/b/c/d").withParents());
    watchForGood("/a", PERSISTENT_RECURSIVE, 0);
    watchForGood("/a/b", PERSISTENT_RECURSIVE, 0);
    for (String path : List.of("/a", "/a/b", "/a/b/c", "/a/b/c/d")) {
      watchNode(path, 0);
      watchChildren(path, 0);
    }
    value(run(ANNE, new Step.DeleteRecursive("/a")));
    assertThat(lockstep.heard(BOB).stream().filter(it -> it.type() == NODE_DELETED))
        .containsExactlyInAnyOrder(
            heard(0, NODE_DELETED, "/a"),
            heard(0, NODE_DELETED, "/a/b"),
            heard(0, NODE_DELETED, "/a/b/c"),
            heard(0, NODE_DELETED, "/a/b/c/d"));
  }

  @Test
  void anotherClientsWatchesAreItsOwn() {
    create("/a");
    watchForGood("/a", PERSISTENT, 0);
    value(run(ANNE, new Step.Watch("/", PERSISTENT_RECURSIVE, 0)));
    value(run(ANNE, new Step.Get("/a", 1)));
    set("/a");
    assertThat(lockstep.heard(ANNE))
        .containsExactlyInAnyOrder(
            heard(0, NODE_DATA_CHANGED, "/a"), heard(1, NODE_DATA_CHANGED, "/a"));
    assertBobHeard(heard(0, NODE_DATA_CHANGED, "/a"));
  }
}
