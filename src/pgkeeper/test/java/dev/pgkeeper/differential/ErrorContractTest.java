package dev.pgkeeper.differential;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.Read;
import dev.pgkeeper.tree.ReadResult;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which error it is, and which of several comes first. */
class ErrorContractTest extends Contract {

  @Test
  void aCreateNeedsItsParent() {
    assertFailed(run(ANNE, new Step.Create(NewNode.at("/a/b"))), Code.NO_NODE);
    for (CreateMode mode : List.of(CreateMode.EPHEMERAL, CreateMode.PERSISTENT_SEQUENTIAL)) {
      assertFailed(run(ANNE, new Step.Create(NewNode.at("/a/b").mode(mode))), Code.NO_NODE);
    }
  }

  @Test
  void aCreateNeedsThatTheNodeIsNotThere() {
    create("/a");
    for (CreateMode mode :
        List.of(CreateMode.PERSISTENT, CreateMode.EPHEMERAL, CreateMode.CONTAINER)) {
      assertFailed(run(BOB, new Step.Create(NewNode.at("/a").mode(mode))), Code.NODE_EXISTS);
    }
  }

  @Test
  void aCreateBelowAnEphemeralNodeFailsEvenIfItIsSequential() {
    create("/e", CreateMode.EPHEMERAL);
    for (CreateMode mode : List.of(CreateMode.PERSISTENT, CreateMode.EPHEMERAL_SEQUENTIAL)) {
      assertFailed(
          run(ANNE, new Step.Create(NewNode.at("/e/a").mode(mode))),
          Code.NO_CHILDREN_FOR_EPHEMERALS);
    }
  }

  @Test
  void withParentsAnEphemeralNodeAboveStillFailsIt() {
    create("/e", CreateMode.EPHEMERAL);
    assertFailed(
        run(ANNE, new Step.Create(NewNode.at("/e/a/b").withParents())),
        Code.NO_CHILDREN_FOR_EPHEMERALS);
  }

  @Test
  void withParentsTheNodeItselfMustNotBeThere() {
    create("/a");
    assertFailed(run(ANNE, new Step.Create(NewNode.at("/a").withParents())), Code.NODE_EXISTS);
    created(ANNE, NewNode.at("/a/b/c/d").withParents());
    assertThat(stat("/a/b").ephemeralOwner()).isZero();
  }

  @Test
  void aDeleteChecksTheNodeThenTheVersionThenTheChildren() {
    assertFailed(run(ANNE, new Step.Delete("/a", 7)), Code.NO_NODE);
    assertFailed(run(ANNE, new Step.Delete("/a/b", ANY_VERSION)), Code.NO_NODE);
    create("/a");
    create("/a/b");
    assertFailed(run(ANNE, new Step.Delete("/a", 7)), Code.BAD_VERSION);
    assertFailed(run(ANNE, new Step.Delete("/a", 0)), Code.NOT_EMPTY);
    assertFailed(run(ANNE, new Step.Delete("/a", ANY_VERSION)), Code.NOT_EMPTY);
  }

  @Test
  void aSetChecksTheNodeThenTheVersion() {
    assertFailed(run(ANNE, new Step.Set("/a", NOTHING, 7)), Code.NO_NODE);
    create("/a");
    assertFailed(run(ANNE, new Step.Set("/a", NOTHING, 1)), Code.BAD_VERSION);
    value(run(ANNE, new Step.Set("/a", NOTHING, 0)));
    assertFailed(run(ANNE, new Step.Set("/a", NOTHING, 0)), Code.BAD_VERSION);
  }

  @Test
  void aCheckChecksTheNodeThenTheVersion() {
    assertFailed(run(ANNE, new Step.Multi(List.of(Op.check("/a", 7)))), Code.NO_NODE);
    create("/a");
    assertFailed(run(ANNE, new Step.Multi(List.of(Op.check("/a", 7)))), Code.BAD_VERSION);
    value(run(ANNE, new Step.Multi(List.of(Op.check("/a", 0)))));
  }

  @Test
  void minusOneMatchesAnyVersion() {
    create("/a");
    set("/a");
    set("/a");
    assertThat(multi(Op.check("/a", ANY_VERSION), Op.set("/a", NOTHING), Op.delete("/a")))
        .hasSize(3);
  }

  @Test
  void aReadNeedsTheNode() {
    assertFailed(run(ANNE, new Step.Get("/a", Step.NOBODY)), Code.NO_NODE);
    assertFailed(run(ANNE, new Step.Get("/a", 0)), Code.NO_NODE);
    assertFailed(run(ANNE, new Step.Children("/a", Step.NOBODY)), Code.NO_NODE);
    assertFailed(run(ANNE, new Step.Children("/a", 0)), Code.NO_NODE);
    assertThat(exists("/a")).isEmpty();
  }

  @Test
  void aReadOfSeveralNodesReportsErrorsOneByOne() {
    create("/a");
    create("/a/b");
    List<?> results =
        (List<?>)
            value(
                run(
                    ANNE,
                    new Step.ReadAll(
                        List.of(
                            Read.node("/a"),
                            Read.node("/c"),
                            Read.children("/c"),
                            Read.children("/a"),
                            Read.node("/a")))));
    assertThat(results.stream().map(result -> ((ReadResult) result).code()))
        .containsExactly(Code.OK, Code.NO_NODE, Code.NO_NODE, Code.OK, Code.OK);
  }

  @Test
  void aReadOfNoNodesIsAnEmptyList() {
    assertThat((List<?>) value(run(ANNE, new Step.ReadAll(List.of())))).isEmpty();
  }
}
