package dev.pgkeeper.differential;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.Stat;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is known of a node besides its data. */
class StatContractTest extends Contract {

  @Test
  void aNewNodeHasOneZxidOneTimeAndVersionsOfZero() {
    Stat stat = created(ANNE, NewNode.at("/a").data(SOMETHING)).stat();
    assertThat(stat.mzxid()).isEqualTo(stat.czxid());
    assertThat(stat.pzxid()).isEqualTo(stat.czxid());
    assertThat(stat.mtime()).isEqualTo(stat.ctime());
    assertThat(stat.version()).isZero();
    assertThat(stat.cversion()).isZero();
    assertThat(stat.numChildren()).isZero();
    assertThat(stat.dataLength()).isEqualTo(SOMETHING.length);
  }

  @Test
  void aSetChangesVersionMzxidAndMtime() {
    Stat before = created(ANNE, NewNode.at("/a")).stat();
    Stat after = set("/a");
    assertThat(after.version()).isEqualTo(1);
    assertThat(after.mzxid()).isGreaterThan(before.mzxid());
    assertThat(after.mtime()).isAfterOrEqualTo(before.mtime());
    assertThat(after.czxid()).isEqualTo(before.czxid());
    assertThat(after.pzxid()).isEqualTo(before.pzxid());
    assertThat(after.ctime()).isEqualTo(before.ctime());
  }

  @Test
  void aSetOfTheSameDataIsASetToo() {
    create("/a");
    Stat first = set("/a");
    Stat second = set("/a");
    assertThat(second.version()).isEqualTo(2);
    assertThat(second.mzxid()).isGreaterThan(first.mzxid());
  }

  @Test
  void aSetDoesNotShowInTheParent() {
    create("/a");
    Stat before = stat("/");
    set("/a");
    assertThat(stat("/")).isEqualTo(before);
  }

  @Test
  void aCreateShowsInTheParentAndNoHigher() {
    create("/a");
    Stat rootBefore = stat("/");
    Stat before = stat("/a");
    Stat child = created(ANNE, NewNode.at("/a/b")).stat();
    Stat after = stat("/a");
    assertThat(after.pzxid()).isEqualTo(child.czxid());
    assertThat(after.cversion()).isEqualTo(1);
    assertThat(after.numChildren()).isEqualTo(1);
    assertThat(after.mzxid()).isEqualTo(before.mzxid());
    assertThat(after.version()).isEqualTo(before.version());
    assertThat(stat("/")).isEqualTo(rootBefore);
  }

  @Test
  void aDeleteShowsInTheParent() {
    create("/a");
    create("/a/b");
    Stat before = stat("/a");
    delete("/a/b");
    Stat after = stat("/a");
    assertThat(after.pzxid()).isGreaterThan(before.pzxid());
    assertThat(after.cversion()).isEqualTo(2);
    assertThat(after.numChildren()).isZero();
  }

  @Test
  void cversionCountsCreatesAndDeletes() {
    create("/a");
    for (int i = 0; i < 3; i++) {
      create("/a/b" + i);
    }
    delete("/a/b0");
    delete("/a/b2");
    assertThat(stat("/a").cversion()).isEqualTo(5);
    assertThat(stat("/a").numChildren()).isEqualTo(1);
  }

  @Test
  void aNodeThatIsCreatedAgainIsNew() {
    create("/a");
    create("/a/b");
    delete("/a/b");
    Stat before = set("/a");
    delete("/a");
    Stat after = created(ANNE, NewNode.at("/a")).stat();
    assertThat(after.czxid()).isGreaterThan(before.pzxid());
    assertThat(after.version()).isZero();
    assertThat(after.cversion()).isZero();
  }

  @Test
  void theOwnerIsTheSession() {
    Stat annes = created(ANNE, NewNode.at("/a").mode(CreateMode.EPHEMERAL)).stat();
    Stat bobs = created(BOB, NewNode.at("/b").mode(CreateMode.EPHEMERAL)).stat();
    assertThat(annes.ephemeralOwner()).isNotZero().isNotEqualTo(bobs.ephemeralOwner());
  }

  @Test
  void aMultiHasOneZxid() {
    create("/a");
    multi(
        Op.create("/b", NOTHING),
        Op.create("/a/c", NOTHING),
        Op.set("/a", SOMETHING),
        Op.set("/b", SOMETHING));
    long zxid = stat("/b").czxid();
    assertThat(
            List.of(
                stat("/").pzxid(),
                stat("/a").mzxid(),
                stat("/a").pzxid(),
                stat("/a/c").czxid(),
                stat("/b").mzxid()))
        .containsOnly(zxid);
  }

  @Test
  void theEndOfASessionHasOneZxid() {
    create("/a");
    create("/b");
    for (String path : List.of("/a/1", "/a/2", "/b/1")) {
      created(BOB, NewNode.at(path).mode(CreateMode.EPHEMERAL));
    }
    lockstep.close(BOB);
    assertThat(stat("/a").pzxid()).isEqualTo(stat("/b").pzxid());
    assertThat(stat("/a").cversion()).isEqualTo(4);
  }

  @Test
  void readingChangesNothing() {
    create("/a");
    Stat before = stat("/a");
    children("/a");
    multi(Op.check("/a", 0));
    assertThat(stat("/a")).isEqualTo(before);
  }
}
