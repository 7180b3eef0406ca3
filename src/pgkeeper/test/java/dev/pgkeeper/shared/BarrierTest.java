package dev.pgkeeper.shared;

import static dev.pgkeeper.testing.Futures.onThread;
import static dev.pgkeeper.testing.Futures.soon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Recipes;
import dev.pgkeeper.testing.TwoClients;
import dev.pgkeeper.tree.WatchKind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class BarrierTest extends TwoClients {
  private static final Duration SHORT = Duration.ofMillis(50);

  private static CompletableFuture<Boolean> waits(Keeper client, String path) {
    return onThread(
        () -> {
          client.barrier(path).await();
          return true;
        });
  }

  @Test
  void allWhoWaitGoOnWhenTheGateIsOpened() throws Exception {
    Barrier gate = keeper.barrier("/barrier/deep/gate");
    gate.await();
    assertThat(gate.remove()).isFalse();
    assertThat(gate.set()).isTrue();
    assertThat(other.barrier("/barrier/deep/gate").set()).isFalse();
    assertThat(gate.isClosed()).isTrue();
    List<CompletableFuture<Boolean>> waiting = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      waiting.add(waits(i % 2 == 0 ? keeper : other, "/barrier/deep/gate"));
    }
    Recipes.awaitWatchers(database, "/barrier/deep/gate", 2);
    assertThat(waiting).noneMatch(CompletableFuture::isDone);
    assertThat(other.barrier("/barrier/deep/gate").remove()).isTrue();
    for (CompletableFuture<Boolean> one : waiting) {
      assertThat(soon(one)).isTrue();
    }
    assertThat(gate.isClosed()).isFalse();
  }

  /** The look after the wake-up finds a gate that was closed again: it is another one. */
  @Test
  void whoWaitsGoesOnThoughTheGateWasOpenForAMomentOnly() throws Exception {
    keeper.barrier("/barrier/moment").set();
    CompletableFuture<Boolean> waiting = waits(other, "/barrier/moment");
    Recipes.awaitWatchers(database, "/barrier/moment", 1);
    database.execute(
        "BEGIN; SELECT ${schema}.delete('/barrier/moment');"
            + " SELECT ${schema}.create('/barrier/moment'); COMMIT");
    assertThat(soon(waiting)).isTrue();
    assertThat(keeper.barrier("/barrier/moment").isClosed()).isTrue();
  }

  @Test
  void whoIsWokenForAnotherReasonWaitsOn() throws Exception {
    keeper.barrier("/barrier/spurious").set();
    CompletableFuture<Boolean> waiting = waits(other, "/barrier/spurious");
    Recipes.awaitWatchers(database, "/barrier/spurious", 1);
    for (int i = 0; i < 3; i++) {
      keeper.tree().set("/barrier/spurious", new byte[] {1});
      other.tree().sync();
      Recipes.awaitWatchers(database, "/barrier/spurious", 1);
    }
    assertThat(waiting).isNotDone();
    keeper.barrier("/barrier/spurious").remove();
    assertThat(soon(waiting)).isTrue();
  }

  @Test
  void whoRunsOutOfPatienceIsToldAndLeavesNothingBehind() throws Exception {
    Barrier gate = keeper.barrier("/barrier/patience");
    gate.set();
    assertThat(gate.await(SHORT)).isFalse();
    assertThat(gate.await(Duration.ZERO)).isFalse();
    assertThat(gate.await(Duration.ofMillis(-1))).isFalse();
    assertThatThrownBy(() -> keeper.tree().unwatchAll("/barrier/patience", WatchKind.ANY))
        .isInstanceOf(KeeperException.NoWatcher.class);
    gate.remove();
    assertThat(gate.await(Duration.ofSeconds(Long.MAX_VALUE))).isTrue();
  }

  @Test
  void anInterruptEndsTheWaiting() throws Exception {
    keeper.barrier("/barrier/interrupt").set();
    List<Thread> thread = new ArrayList<>();
    CompletableFuture<Boolean> waiting =
        onThread(
            () -> {
              thread.add(Thread.currentThread());
              return keeper.barrier("/barrier/interrupt").await(Duration.ofMinutes(1));
            });
    Recipes.awaitWatchers(database, "/barrier/interrupt", 1);
    thread.get(0).interrupt();
    assertThatThrownBy(() -> soon(waiting)).isInstanceOf(InterruptedException.class);
  }

  @Test
  void whoWaitsInASessionThatEndsIsToldSo() {
    Keeper lost = database.keeper();
    keeper.barrier("/barrier/lost").set();
    CompletableFuture<Boolean> waiting = waits(lost, "/barrier/lost");
    Recipes.awaitWatchers(database, "/barrier/lost", 1);
    database.execute("SELECT ${schema}.session_end(" + lost.session().id() + ")");
    assertThatThrownBy(() -> soon(waiting)).isInstanceOf(KeeperException.SessionExpired.class);
    lost.close();
  }

  @Test
  void theGateStaysClosedWhenTheSessionThatClosedItHasEnded() {
    try (Keeper gone = database.keeper()) {
      gone.barrier("/barrier/gone").set();
    }
    assertThat(keeper.barrier("/barrier/gone").isClosed()).isTrue();
  }
}
