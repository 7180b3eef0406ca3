package dev.pgkeeper.differential;

import static dev.pgkeeper.tree.EventType.NODE_CHILDREN_CHANGED;
import static dev.pgkeeper.tree.EventType.NODE_CREATED;
import static dev.pgkeeper.tree.EventType.NODE_DATA_CHANGED;
import static dev.pgkeeper.tree.EventType.NODE_DELETED;
import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.WatchKind;
import dev.pgkeeper.tree.WatchMode;
import org.junit.jupiter.api.Test;

/** Watches that are used up: Anne changes, Bob watches. */
class OneShotWatchContractTest extends Contract {

  @Test
  void anExistsWatchHearsOfACreation() {
    watchNode("/a", 0);
    create("/a");
    assertBobHeard(heard(0, NODE_CREATED, "/a"));
  }

  @Test
  void anExistsWatchHearsOfAChangeOfData() {
    create("/a");
    watchNode("/a", 0);
    set("/a");
    assertBobHeard(heard(0, NODE_DATA_CHANGED, "/a"));
  }

  @Test
  void anExistsWatchHearsOfADeletion() {
    create("/a");
    watchNode("/a", 0);
    delete("/a");
    assertBobHeard(heard(0, NODE_DELETED, "/a"));
  }

  @Test
  void anExistsWatchMayBeFarBelowWhatThereIs() {
    watchNode("/a/b/c", 0);
    create("/a");
    assertBobHeard();
    create("/a/b");
    assertBobHeard();
    create("/a/b/c");
    assertBobHeard(heard(0, NODE_CREATED, "/a/b/c"));
  }

  @Test
  void anExistsWatchHearsNothingOfChildren() {
    create("/a");
    watchNode("/a", 0);
    create("/a/b");
    delete("/a/b");
    assertBobHeard();
  }

  @Test
  void aGetWatchHearsOfAChangeOfDataOrTheDeletion() {
    create("/a");
    watchData("/a", 0);
    set("/a");
    assertBobHeard(heard(0, NODE_DATA_CHANGED, "/a"));
    watchData("/a", 0);
    delete("/a");
    assertBobHeard(heard(0, NODE_DELETED, "/a"));
  }

  @Test
  void aSetOfTheSameDataIsTold() {
    create("/a");
    set("/a");
    watchData("/a", 0);
    set("/a");
    assertBobHeard(heard(0, NODE_DATA_CHANGED, "/a"));
  }

  @Test
  void aChildrenWatchHearsOfChildrenThatComeAndGo() {
    create("/a");
    watchChildren("/a", 0);
    create("/a/b");
    assertBobHeard(heard(0, NODE_CHILDREN_CHANGED, "/a"));
    watchChildren("/a", 0);
    delete("/a/b");
    assertBobHeard(heard(0, NODE_CHILDREN_CHANGED, "/a"));
  }

  @Test
  void aChildrenWatchHearsOfTheDeletion() {
    create("/a");
    watchChildren("/a", 0);
    delete("/a");
    assertBobHeard(heard(0, NODE_DELETED, "/a"));
  }

  @Test
  void aChildrenWatchHearsNothingOfDataOrGrandchildren() {
    create("/a");
    create("/a/b");
    watchChildren("/a", 0);
    set("/a");
    assertBobHeard();
    set("/a/b");
    assertBobHeard();
    create("/a/b/c");
    assertBobHeard();
  }

  @Test
  void aGetOrChildrenOfAnAbsentNodeLeavesNoWatch() {
    assertFailed(run(BOB, new Step.Get("/a", 0)), Code.NO_NODE);
    assertFailed(run(BOB, new Step.Children("/a", 1)), Code.NO_NODE);
    create("/a");
    assertBobHeard();
    assertFailed(unwatch("/a", WatchKind.ANY, 0), Code.NO_WATCHER);
  }

  @Test
  void aWatchIsToldOnce() {
    create("/a");
    watchData("/a", 0);
    set("/a");
    set("/a");
    assertBobHeard();
    delete("/a");
    assertBobHeard();
  }

  @Test
  void aDataWatchThatWasToldOfTheDeletionHearsNothingOfTheNextNode() {
    create("/a");
    watchData("/a", 0);
    delete("/a");
    create("/a");
    assertBobHeard();
  }

  @Test
  void theSameWatcherOnTheSamePathCountsOnce() {
    create("/a");
    watchData("/a", 0);
    watchData("/a", 0);
    watchNode("/a", 0);
    set("/a");
    assertBobHeard(heard(0, NODE_DATA_CHANGED, "/a"));
  }

  @Test
  void aDeletionIsToldOnceToAWatcherOfDataAndChildren() {
    create("/a");
    watchData("/a", 0);
    watchChildren("/a", 0);
    delete("/a");
    assertBobHeard(heard(0, NODE_DELETED, "/a"));
  }

  @Test
  void everyWatcherOfAPathIsTold() {
    create("/a");
    watchData("/a", 0);
    watchNode("/a", 1);
    watchChildren("/a", 2);
    delete("/a");
    assertThat(lockstep.heard(BOB))
        .containsExactlyInAnyOrder(
            heard(0, NODE_DELETED, "/a"),
            heard(1, NODE_DELETED, "/a"),
            heard(2, NODE_DELETED, "/a"));
  }

  @Test
  void theNodeIsToldBeforeItsParent() {
    watchNode("/a", 0);
    watchChildren("/", 0);
    create("/a");
    assertBobHeard(heard(0, NODE_CREATED, "/a"), heard(0, NODE_CHILDREN_CHANGED, "/"));
    watchNode("/a", 0);
    watchChildren("/", 0);
    delete("/a");
    assertBobHeard(heard(0, NODE_DELETED, "/a"), heard(0, NODE_CHILDREN_CHANGED, "/"));
  }

  @Test
  void aClientHearsOfItsOwnChanges() {
    value(run(ANNE, new Step.Exists("/a", 0)));
    create("/a");
    assertThat(lockstep.heard(ANNE)).containsExactly(heard(0, NODE_CREATED, "/a"));
    assertBobHeard();
  }

  @Test
  void whatFailedIsNotTold() {
    create("/a");
    create("/a/b");
    watchData("/a", 0);
    watchChildren("/a", 1);
    run(ANNE, new Step.Set("/a", NOTHING, 7));
    assertBobHeard();
    run(ANNE, new Step.Delete("/a", ANY_VERSION));
    assertBobHeard();
    run(ANNE, new Step.Create(NewNode.at("/a/b")));
    assertBobHeard();
  }

  @Test
  void aSequentialNodeIsToldUnderItsRealPath() {
    watchNode("/n0000000000", 0);
    watchNode("/n", 1);
    create("/n", CreateMode.PERSISTENT_SEQUENTIAL);
    assertBobHeard(heard(0, NODE_CREATED, "/n0000000000"));
  }

  @Test
  void aWatchLivesThroughTheCreationAndAChangeOfOtherNodes() {
    watchNode("/a", 0);
    create("/b");
    create("/ab");
    set("/");
    assertBobHeard();
    create("/a");
    assertBobHeard(heard(0, NODE_CREATED, "/a"));
  }

  @Test
  void aChangeThatIsReadAtOnceIsToldOnce() {
    for (int round = 0; round < 20; round++) {
      String path = "/a" + round;
      create(path);
      value(run(BOB, new Step.Get(path, 0)));
      value(run(BOB, new Step.Children(path, 1)));
      value(run(BOB, new Step.Watch(path, WatchMode.PERSISTENT, 2)));
      lockstep.performThenRead(
          ANNE, new Step.Set(path, SOMETHING, ANY_VERSION), BOB, new Step.Get(path, Step.NOBODY));
      lockstep.performThenRead(
          ANNE,
          new Step.Create(NewNode.at(path + "/b")),
          BOB,
          new Step.Children(path, Step.NOBODY));
      lockstep.performThenRead(
          ANNE, new Step.DeleteRecursive(path), BOB, new Step.Exists(path, Step.NOBODY));
    }
  }
}
