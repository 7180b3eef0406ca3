package dev.pgkeeper.differential;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.EventType;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.WatchMode;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The seven kinds, and which of them go by themselves. */
class KindContractTest extends Contract {

  private static final Duration TTL = Duration.ofMinutes(1);
  private static final long BEFORE_TTL = TTL.toMillis() - 30_000;
  private static final long AFTER_TTL = TTL.toMillis() + 1_000;

  private static NewNode node(String path, CreateMode mode) {
    NewNode node = NewNode.at(path).mode(mode);
    return mode.hasTtl() ? node.ttl(TTL) : node;
  }

  @ParameterizedTest
  @EnumSource
  void eachKindHasItsFirstStat(CreateMode mode) {
    var created = created(ANNE, node("/n", mode).data(SOMETHING));
    assertThat(created.path()).isEqualTo(mode.isSequential() ? "/n0000000000" : "/n");
    assertThat(created.stat().ephemeralOwner() != 0).isEqualTo(mode.isEphemeral());
    assertThat(created.stat()).isEqualTo(lockstep.mirror().stat(created.path()).orElseThrow());
  }

  @ParameterizedTest
  @EnumSource
  void onlyEphemeralNodesHaveNoChildren(CreateMode mode) {
    String parent = created(ANNE, node("/n", mode)).path();
    Outcome child = run(BOB, new Step.Create(NewNode.at(parent + "/child")));
    Outcome inMulti = run(ANNE, new Step.Multi(List.of(Op.create(parent + "/other", NOTHING))));
    if (mode.isEphemeral()) {
      assertFailed(child, Code.NO_CHILDREN_FOR_EPHEMERALS);
      assertFailed(inMulti, Code.NO_CHILDREN_FOR_EPHEMERALS);
    } else {
      value(child);
      value(inMulti);
    }
  }

  @ParameterizedTest
  @EnumSource
  void eachKindCanBeCreatedByAMulti(CreateMode mode) {
    assertThat(multi(Op.create(node("/n", mode)), Op.create(node("/m", mode)))).hasSize(2);
  }

  @ParameterizedTest
  @EnumSource
  void aTimeToLiveIsForThoseThatHaveOne(CreateMode mode) {
    NewNode wrong =
        mode.hasTtl() ? NewNode.at("/n").mode(mode) : NewNode.at("/n").mode(mode).ttl(TTL);
    assertRefused(run(ANNE, new Step.Create(wrong)));
    assertRefused(run(ANNE, new Step.Multi(List.of(Op.create(wrong)))));
  }

  @Test
  void aTimeToLiveIsOneMillisecondTo2To40() {
    for (long bad : new long[] {0, -1, 1L << 40, Long.MAX_VALUE}) {
      NewNode wrong = NewNode.at("/n").mode(CreateMode.PERSISTENT_WITH_TTL);
      assertRefused(run(ANNE, new Step.Create(wrong.ttl(Duration.ofMillis(bad)))));
    }
    createWithTtl("/short", Duration.ofMillis(1));
    createWithTtl("/long", Duration.ofMillis((1L << 40) - 1));
  }

  @Test
  void aContainerGoesOnceItsLastChildWent() {
    create("/c", CreateMode.CONTAINER);
    create("/c/child");
    lockstep.reap(0);
    assertThat(exists("/c")).isPresent();
    delete("/c/child");
    lockstep.reap(0);
    assertThat(exists("/c")).isEmpty();
  }

  @Test
  void aContainerThatNeverHadAChildGoesAfterFiveMinutes() {
    create("/c", CreateMode.CONTAINER);
    lockstep.reap(0);
    lockstep.reap(ZooKeeperServerFixture.NEVER_USED_MILLIS - 60_000);
    assertThat(exists("/c")).isPresent();
    lockstep.reap(ZooKeeperServerFixture.NEVER_USED_MILLIS + 1_000);
    assertThat(exists("/c")).isEmpty();
  }

  @Test
  void aContainerInAContainerTakesItAlong() {
    create("/c", CreateMode.CONTAINER);
    create("/c/d", CreateMode.CONTAINER);
    create("/c/d/child");
    delete("/c/d/child");
    lockstep.reap(0);
    assertThat(exists("/c")).isEmpty();
  }

  @Test
  void aContainerThatWasSetStaysNoLongerForThat() {
    create("/c", CreateMode.CONTAINER);
    create("/c/child");
    delete("/c/child");
    set("/c");
    lockstep.reap(0);
    assertThat(exists("/c")).isEmpty();
  }

  @Test
  void aNodeWithATimeToLiveGoesAfterIt() {
    createWithTtl("/t", TTL);
    lockstep.reap(0);
    lockstep.reap(BEFORE_TTL);
    assertThat(exists("/t")).isPresent();
    lockstep.reap(AFTER_TTL);
    assertThat(exists("/t")).isEmpty();
  }

  @Test
  void aNodeWithATimeToLiveStaysWhileItHasChildren() {
    createWithTtl("/t", TTL);
    create("/t/child");
    lockstep.reap(AFTER_TTL);
    assertThat(exists("/t")).isPresent();
    delete("/t/child");
    lockstep.reap(AFTER_TTL);
    assertThat(exists("/t")).isEmpty();
  }

  @Test
  void othersDoNotGoByThemselves() {
    create("/p");
    create("/p/child");
    delete("/p/child");
    create("/e", CreateMode.EPHEMERAL);
    lockstep.reap(Duration.ofDays(1).toMillis());
    assertThat(children("/")).containsExactly("e", "p");
  }

  @Test
  void itsGoingIsToldAndCountedLikeAnyDeletion() {
    create("/c", CreateMode.CONTAINER);
    create("/c/child");
    delete("/c/child");
    watchForGood("/", WatchMode.PERSISTENT, 0);
    watchNode("/c", 1);
    lockstep.reap(0);
    assertThat(lockstep.heard(BOB))
        .containsExactlyInAnyOrder(
            heard(1, EventType.NODE_DELETED, "/c"), heard(0, EventType.NODE_CHILDREN_CHANGED, "/"));
    assertThat(stat("/").cversion()).isEqualTo(2);
  }
}
