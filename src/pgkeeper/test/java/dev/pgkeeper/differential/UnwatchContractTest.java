package dev.pgkeeper.differential;

import static dev.pgkeeper.tree.EventType.NODE_CHILDREN_CHANGED;
import static dev.pgkeeper.tree.EventType.NODE_CREATED;
import static dev.pgkeeper.tree.EventType.NODE_DATA_CHANGED;
import static dev.pgkeeper.tree.WatchKind.ANY;
import static dev.pgkeeper.tree.WatchKind.CHILDREN;
import static dev.pgkeeper.tree.WatchKind.DATA;
import static dev.pgkeeper.tree.WatchMode.PERSISTENT;
import static dev.pgkeeper.tree.WatchMode.PERSISTENT_RECURSIVE;

import dev.pgkeeper.KeeperException.Code;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Watches that are taken back. */
class UnwatchContractTest extends Contract {

  @BeforeEach
  void createNode() {
    create("/a");
  }

  @Test
  void aWatcherThatWasTakenBackHearsNothing() {
    watchData("/a", 0);
    watchNode("/a", 1);
    value(unwatch("/a", DATA, 0));
    set("/a");
    assertBobHeard(heard(1, NODE_DATA_CHANGED, "/a"));
  }

  @Test
  void whatIsNotThereIsNoWatcher() {
    for (var kind : new dev.pgkeeper.tree.WatchKind[] {ANY, DATA, CHILDREN}) {
      assertFailed(unwatch("/a", kind, 0), Code.NO_WATCHER);
      assertFailed(unwatch("/a", kind, Step.NOBODY), Code.NO_WATCHER);
      assertFailed(unwatch("/absent", kind, 0), Code.NO_WATCHER);
    }
  }

  @Test
  void whatIsThereForAnotherWatcherPathOrClientIsNoWatcherEither() {
    watchData("/a", 0);
    assertFailed(unwatch("/a", DATA, 1), Code.NO_WATCHER);
    assertFailed(unwatch("/", DATA, 0), Code.NO_WATCHER);
    assertFailed(run(ANNE, new Step.Unwatch("/a", DATA, 0)), Code.NO_WATCHER);
    set("/a");
    assertBobHeard(heard(0, NODE_DATA_CHANGED, "/a"));
  }

  @Test
  void dataAndChildrenAreApart() {
    watchData("/a", 0);
    assertFailed(unwatch("/a", CHILDREN, 0), Code.NO_WATCHER);
    watchChildren("/a", 0);
    value(unwatch("/a", DATA, 0));
    set("/a");
    assertBobHeard();
    create("/a/b");
    assertBobHeard(heard(0, NODE_CHILDREN_CHANGED, "/a"));
  }

  @Test
  void anExistsWatchOfAnAbsentNodeIsAWatchOfData() {
    watchNode("/absent", 0);
    value(unwatch("/absent", DATA, 0));
    create("/absent");
    assertBobHeard();
  }

  @Test
  void aWatchThatWasUsedUpIsNotThere() {
    watchData("/a", 0);
    set("/a");
    assertFailed(unwatch("/a", DATA, 0), Code.NO_WATCHER);
  }

  @Test
  void persistentWatchesAreNeitherOfDataNorOfChildren() {
    watchForGood("/a", PERSISTENT, 0);
    watchForGood("/a", PERSISTENT_RECURSIVE, 1);
    for (int watcher : new int[] {0, 1, Step.NOBODY}) {
      assertFailed(unwatch("/a", DATA, watcher), Code.NO_WATCHER);
      assertFailed(unwatch("/a", CHILDREN, watcher), Code.NO_WATCHER);
    }
    value(unwatch("/a", ANY, 0));
    set("/a");
    assertBobHeard(heard(1, NODE_DATA_CHANGED, "/a"));
    value(unwatch("/a", ANY, 1));
    set("/a");
    assertBobHeard();
  }

  @Test
  void anyTakesBackAllThatAWatcherWatchesThere() {
    watchData("/a", 0);
    watchChildren("/a", 0);
    watchForGood("/a", PERSISTENT, 0);
    watchForGood("/a", PERSISTENT_RECURSIVE, 0);
    value(unwatch("/a", ANY, 0));
    set("/a");
    assertBobHeard();
    create("/a/b");
    assertBobHeard();
    assertFailed(unwatch("/a", ANY, 0), Code.NO_WATCHER);
  }

  @Test
  void allWatchersOfAKindCanBeTakenBackAtOnce() {
    watchData("/a", 0);
    watchData("/a", 1);
    watchChildren("/a", 2);
    value(unwatch("/a", DATA, Step.NOBODY));
    set("/a");
    assertBobHeard();
    create("/a/b");
    assertBobHeard(heard(2, NODE_CHILDREN_CHANGED, "/a"));
  }

  @Test
  void aWatchCanBeLeftAgainAfterItWasTakenBack() {
    watchForGood("/a", PERSISTENT_RECURSIVE, 0);
    value(unwatch("/a", ANY, Step.NOBODY));
    watchForGood("/a", PERSISTENT_RECURSIVE, 0);
    create("/a/b");
    assertBobHeard(heard(0, NODE_CREATED, "/a/b"));
  }

  @Test
  void aRecursiveWatchIsTakenBackWhereItWasLeftAndNotBelow() {
    create("/a/b");
    watchForGood("/a", PERSISTENT_RECURSIVE, 0);
    assertFailed(unwatch("/a/b", ANY, 0), Code.NO_WATCHER);
    set("/a/b");
    assertBobHeard(heard(0, NODE_DATA_CHANGED, "/a/b"));
  }
}
