package dev.pgkeeper.differential;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Op;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The numbers of sequential nodes. */
class SequenceContractTest extends Contract {

  private String next() {
    return create("/p/n-", CreateMode.PERSISTENT_SEQUENTIAL);
  }

  @Test
  void theNumberIsThatOfTheCreatesSoFarFromZero() {
    create("/p");
    assertThat(next()).isEqualTo("/p/n-0000000000");
    assertThat(next()).isEqualTo("/p/n-0000000001");
  }

  @Test
  void createsOfAnyKindAndNameCount() {
    create("/p");
    create("/p/a");
    create("/p/b", CreateMode.EPHEMERAL);
    create("/p/c", CreateMode.CONTAINER);
    create("/p/d-", CreateMode.EPHEMERAL_SEQUENTIAL);
    assertThat(next()).isEqualTo("/p/n-0000000004");
  }

  @Test
  void deletesDoNotMoveIt() {
    create("/p");
    delete(next());
    assertThat(next()).isEqualTo("/p/n-0000000001");
  }

  @Test
  void setsDoNotMoveIt() {
    create("/p");
    set("/p");
    next();
    set("/p/n-0000000000");
    assertThat(next()).isEqualTo("/p/n-0000000001");
  }

  @Test
  void whatFailedDoesNotMoveIt() {
    create("/p");
    create("/p/a");
    assertFailed(run(ANNE, new Step.Create(NewNode.at("/p/a"))), Code.NODE_EXISTS);
    assertFailed(
        run(
            ANNE,
            new Step.Multi(List.of(Op.create("/p/b", NOTHING), Op.check("/p/c", ANY_VERSION)))),
        Code.NO_NODE);
    assertThat(next()).isEqualTo("/p/n-0000000001");
  }

  @Test
  void aParentThatIsCreatedAgainStartsAgain() {
    create("/p");
    delete(next());
    delete("/p");
    create("/p");
    assertThat(next()).isEqualTo("/p/n-0000000000");
  }

  @Test
  void theStepsOfAMultiCountOneByOne() {
    create("/p");
    NewNode node = NewNode.at("/p/n-").mode(CreateMode.PERSISTENT_SEQUENTIAL);
    assertThat(multi(Op.create(node), Op.create("/p/a", NOTHING), Op.create(node)))
        .extracting("path")
        .containsExactly("/p/n-0000000000", "/p/a", "/p/n-0000000002");
  }

  @Test
  void aNumberThatIsTakenIsNotSkipped() {
    create("/p");
    create("/p/n-0000000001");
    assertFailed(
        run(ANNE, new Step.Create(NewNode.at("/p/n-").mode(CreateMode.PERSISTENT_SEQUENTIAL))),
        Code.NODE_EXISTS);
  }
}
