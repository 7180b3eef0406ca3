package dev.pgkeeper.differential;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.EventType;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.WatchMode;
import java.util.List;
import org.junit.jupiter.api.Test;

/** All steps or none. */
class MultiContractTest extends Contract {

  private List<Code> codesOf(Op... ops) {
    Outcome outcome = run(ANNE, new Step.Multi(List.of(ops)));
    assertThat(outcome).isInstanceOf(Outcome.Failure.class);
    return ((Outcome.Failure) outcome).steps();
  }

  @Test
  void noStepsAreDoneAtOnce() {
    assertThat(multi()).isEmpty();
  }

  @Test
  void eachStepAnswers() {
    create("/a");
    assertThat(
            multi(
                Op.create("/b", NOTHING),
                Op.set("/a", SOMETHING),
                Op.check("/a", 1),
                Op.delete("/a", 1)))
        .extracting("code")
        .containsOnly(Code.OK);
    assertThat(children("/")).containsExactly("b");
  }

  @Test
  void laterStepsSeeEarlierOnes() {
    multi(
        Op.create("/a", NOTHING),
        Op.create("/a/b", NOTHING),
        Op.set("/a/b", SOMETHING, 0),
        Op.check("/a/b", 1),
        Op.set("/a/b", SOMETHING, 1));
    assertThat(stat("/a/b").version()).isEqualTo(2);
    multi(Op.delete("/a/b"), Op.delete("/a"));
    assertThat(children("/")).isEmpty();
  }

  @Test
  void aStepCannotUseWhatAnEarlierOneTook() {
    create("/a");
    assertThat(codesOf(Op.delete("/a"), Op.set("/a", NOTHING)))
        .isEqualTo(codes(Code.OK, Code.NO_NODE));
    assertThat(codesOf(Op.create("/a/b", NOTHING), Op.delete("/a")))
        .isEqualTo(codes(Code.OK, Code.NOT_EMPTY));
    assertThat(codesOf(Op.set("/a", NOTHING), Op.check("/a", 0)))
        .isEqualTo(codes(Code.OK, Code.BAD_VERSION));
    assertThat(codesOf(Op.create("/c", NOTHING), Op.create("/c", NOTHING)))
        .isEqualTo(codes(Code.OK, Code.NODE_EXISTS));
    assertThat(codesOf(Op.create("/e", NOTHING, CreateMode.EPHEMERAL), Op.create("/e/a", NOTHING)))
        .isEqualTo(codes(Code.OK, Code.NO_CHILDREN_FOR_EPHEMERALS));
  }

  @Test
  void theStepThatFailsHasItsOwnCodeAndThoseAfterItWereNotTried() {
    assertThat(
            codesOf(
                Op.create("/a", NOTHING),
                Op.create("/b", NOTHING),
                Op.delete("/c"),
                Op.create("/d", NOTHING),
                Op.delete("/e")))
        .isEqualTo(
            codes(
                Code.OK,
                Code.OK,
                Code.NO_NODE,
                Code.RUNTIME_INCONSISTENCY,
                Code.RUNTIME_INCONSISTENCY));
  }

  @Test
  void theFirstStepMayBeTheOneThatFails() {
    assertThat(codesOf(Op.check("/a", ANY_VERSION), Op.create("/a", NOTHING)))
        .isEqualTo(codes(Code.NO_NODE, Code.RUNTIME_INCONSISTENCY));
  }

  @Test
  void afterAFailureNothingIsChangedOrTold() {
    create("/a");
    create("/a/b");
    Stat before = stat("/a");
    watchForGood("/", WatchMode.PERSISTENT_RECURSIVE, 0);
    watchChildren("/a", 1);
    watchNode("/c", 2);
    codesOf(
        Op.set("/a", SOMETHING), Op.create("/c", NOTHING), Op.delete("/a/b"), Op.delete("/a", 9));
    assertBobHeard();
    assertThat(stat("/a")).isEqualTo(before);
    create("/c");
    assertThat(lockstep.heard(BOB)).contains(heard(2, EventType.NODE_CREATED, "/c"));
  }

  @Test
  void aNodeCanBeReplaced() {
    long before = created(ANNE, NewNode.at("/a").data(SOMETHING)).stat().czxid();
    multi(Op.delete("/a", 0), Op.create("/a", NOTHING));
    Stat after = stat("/a");
    assertThat(after.czxid()).isGreaterThan(before);
    assertThat(after.dataLength()).isZero();
    assertThat(stat("/").cversion()).isEqualTo(3);
  }

  @Test
  void theReplacementOfANodeIsToldToThoseWhoWatchedTheOldOne() {
    create("/a");
    watchData("/a", 0);
    watchChildren("/a", 1);
    watchForGood("/a", WatchMode.PERSISTENT, 2);
    multi(Op.delete("/a"), Op.create("/a", NOTHING));
    assertThat(lockstep.heard(BOB))
        .containsExactlyInAnyOrder(
            heard(0, EventType.NODE_DELETED, "/a"),
            heard(1, EventType.NODE_DELETED, "/a"),
            heard(2, EventType.NODE_DELETED, "/a"),
            heard(2, EventType.NODE_CREATED, "/a"));
  }

  @Test
  void changesOfDifferentNodesAreAllTold() {
    create("/a");
    create("/b");
    watchForGood("/", WatchMode.PERSISTENT_RECURSIVE, 0);
    multi(Op.set("/a", SOMETHING), Op.delete("/b"), Op.create("/c", NOTHING));
    assertThat(lockstep.heard(BOB))
        .containsExactlyInAnyOrder(
            heard(0, EventType.NODE_DATA_CHANGED, "/a"),
            heard(0, EventType.NODE_DELETED, "/b"),
            heard(0, EventType.NODE_CREATED, "/c"));
  }

  @Test
  void anExistsWatchIsToldOfACreationByAMulti() {
    watchNode("/a", 0);
    multi(Op.create("/a", NOTHING), Op.create("/a/b", NOTHING));
    assertBobHeard(heard(0, EventType.NODE_CREATED, "/a"));
  }
}
