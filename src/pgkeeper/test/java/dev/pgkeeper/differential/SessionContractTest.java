package dev.pgkeeper.differential;

import static dev.pgkeeper.tree.EventType.NODE_CHILDREN_CHANGED;
import static dev.pgkeeper.tree.EventType.NODE_DELETED;
import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.WatchMode;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The end of a session: Anne's ends, Bob watches. */
class SessionContractTest extends Contract {

  @Test
  void aSessionThatIsClosedTakesItsEphemeralNodesAlong() {
    create("/a");
    create("/a/e", CreateMode.EPHEMERAL);
    create("/a/e", CreateMode.EPHEMERAL_SEQUENTIAL);
    created(BOB, NewNode.at("/a/b").mode(CreateMode.EPHEMERAL));
    lockstep.close(ANNE);
    assertThat(children(BOB, "/a")).containsExactly("b");
    assertThat(lockstep.mirror().stat("/a").orElseThrow().cversion()).isEqualTo(5);
    lockstep.open(ANNE);
  }

  @Test
  void othersHearOfEachNodeThatGoes() {
    create("/a");
    create("/a/1", CreateMode.EPHEMERAL);
    create("/a/2", CreateMode.EPHEMERAL);
    create("/3", CreateMode.EPHEMERAL);
    watchNode("/a/1", 0);
    watchData("/a/2", 1);
    watchChildren("/a", 2);
    lockstep.close(ANNE);
    assertThat(lockstep.heard(BOB))
        .containsExactlyInAnyOrder(
            heard(0, NODE_DELETED, "/a/1"),
            heard(1, NODE_DELETED, "/a/2"),
            heard(2, NODE_CHILDREN_CHANGED, "/a"));
    lockstep.open(ANNE);
  }

  @Test
  void aRecursiveWatchHearsOfAllThatGoes() {
    create("/a");
    create("/a/1", CreateMode.EPHEMERAL);
    create("/2", CreateMode.EPHEMERAL);
    watchForGood("/", WatchMode.PERSISTENT_RECURSIVE, 0);
    lockstep.close(ANNE);
    assertThat(lockstep.heard(BOB))
        .containsExactlyInAnyOrder(heard(0, NODE_DELETED, "/a/1"), heard(0, NODE_DELETED, "/2"));
    lockstep.open(ANNE);
  }

  @Test
  void aSessionThatOwnsNothingGoesUnnoticed() {
    create("/a");
    watchForGood("/", WatchMode.PERSISTENT_RECURSIVE, 0);
    watchChildren("/", 1);
    lockstep.close(ANNE);
    assertBobHeard();
    lockstep.open(ANNE);
  }

  @Test
  void aNewSessionOwnsNothingOfTheOldOne() {
    create("/a", CreateMode.EPHEMERAL);
    lockstep.close(ANNE);
    lockstep.open(ANNE);
    assertThat(exists("/a")).isEmpty();
    create("/a", CreateMode.EPHEMERAL);
    assertThat(lockstep.heard(BOB)).isEmpty();
  }

  @Test
  void watchesEndWithTheirSession() {
    value(run(BOB, new Step.Exists("/a", 0)));
    lockstep.close(BOB);
    lockstep.open(BOB);
    create("/a");
    assertBobHeard();
  }

  @Test
  void anyoneMayDeleteAnEphemeralNode() {
    create("/a", CreateMode.EPHEMERAL);
    value(run(BOB, new Step.Delete("/a", ANY_VERSION)));
    created(BOB, NewNode.at("/a").mode(CreateMode.EPHEMERAL));
    lockstep.close(ANNE);
    assertThat((java.util.Optional<?>) value(run(BOB, new Step.Exists("/a", Step.NOBODY))))
        .isPresent();
    lockstep.open(ANNE);
  }

  @Test
  void aSessionThatExpiresIsLikeOneThatIsClosed() throws InterruptedException {
    create("/a", CreateMode.EPHEMERAL);
    watchData("/a", 0);
    Lockstep.Ended anne = lockstep.expire(ANNE);
    assertBobHeard(heard(0, NODE_DELETED, "/a"));
    lockstep.open(ANNE);
    assertThat(exists("/a")).isEmpty();
    anne.close();
  }

  @Test
  void everyWatcherHearsOnceThatItsSessionExpired() throws InterruptedException {
    create("/a");
    value(run(ANNE, new Step.Get("/a", 0)));
    value(run(ANNE, new Step.Children("/a", 0)));
    value(run(ANNE, new Step.Exists("/b", 1)));
    value(run(ANNE, new Step.Watch("/c", WatchMode.PERSISTENT, 1)));
    value(run(ANNE, new Step.Watch("/d", WatchMode.PERSISTENT_RECURSIVE, 2)));
    Lockstep.Ended anne = lockstep.expire(ANNE);
    anne.awaitHeardOf(SessionState.LOST);
    lockstep.open(ANNE);
    run(ANNE, new Step.Exists("/a", Step.NOBODY));
    assertThat(anne.heardOf(SessionState.LOST)).isEqualTo(List.of(0, 1, 2));
    anne.close();
  }

  @Test
  void anExpiredSessionIsAnsweredSoWhateverItAsks() throws InterruptedException {
    create("/a");
    value(run(ANNE, new Step.Get("/a", 0)));
    Lockstep.Ended anne = lockstep.expire(ANNE);
    anne.awaitHeardOf(SessionState.LOST);
    for (Step step :
        List.of(
            new Step.Create(NewNode.at("/a")),
            new Step.Create(NewNode.at("/b/c").mode(CreateMode.EPHEMERAL)),
            new Step.Exists("/a", Step.NOBODY),
            new Step.Get("/b", 0),
            new Step.Children("/b", Step.NOBODY),
            new Step.Set("/b", NOTHING, 7),
            new Step.Delete("/", ANY_VERSION),
            new Step.Watch("/a", WatchMode.PERSISTENT, 0))) {
      assertFailed(anne.perform(step), Code.SESSION_EXPIRED);
    }
    lockstep.open(ANNE);
    anne.close();
  }
}
