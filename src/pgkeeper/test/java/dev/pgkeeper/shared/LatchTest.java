package dev.pgkeeper.shared;

import static dev.pgkeeper.testing.Futures.onThread;
import static dev.pgkeeper.testing.Futures.soon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Recipes;
import dev.pgkeeper.testing.TwoClients;
import dev.pgkeeper.tree.WatchKind;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class LatchTest extends TwoClients {
  @Test
  void itOpensForEverWhenItWasCountedDownToZero() throws Exception {
    Latch latch = keeper.latch("/latch/deep/three", 3);
    assertThat(latch.remaining()).isEqualTo(3);
    List<CompletableFuture<Boolean>> waiting = new ArrayList<>();
    for (Keeper each : List.of(keeper, keeper, other)) {
      waiting.add(onThread(() -> each.latch("/latch/deep/three", 3).await(Duration.ofMinutes(1))));
    }
    Recipes.awaitWatchers(database, "/latch/deep/three", 2);
    assertThat(other.latch("/latch/deep/three", 3).countDown()).isEqualTo(2);
    assertThat(latch.countDown()).isEqualTo(1);
    assertThat(latch.await(Duration.ofMillis(20))).isFalse();
    assertThat(waiting).noneMatch(CompletableFuture::isDone);
    assertThat(latch.countDown()).isZero();
    for (CompletableFuture<Boolean> one : waiting) {
      assertThat(soon(one)).isTrue();
    }
    assertThat(latch.countDown()).as("of an open latch").isZero();
    assertThat(latch.remaining()).isZero();
    latch.await();
  }

  @Test
  void countdownsOfManyAtOnceAllCount() throws Exception {
    List<CompletableFuture<Long>> counting = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      Keeper each = i % 2 == 0 ? keeper : other;
      counting.add(onThread(() -> each.latch("/latch/many", 20).countDown()));
    }
    keeper.latch("/latch/many", 20).await();
    for (CompletableFuture<Long> one : counting) {
      soon(one);
    }
    assertThat(keeper.latch("/latch/many", 20).remaining()).isZero();
  }

  @Test
  void aCountdownInATransactionCountsWhenThatCommits() throws Exception {
    Latch latch = keeper.latch("/latch/transaction", 1);
    assertThat(latch.await(Duration.ZERO)).isFalse();
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      latch.countDown(connection);
      connection.rollback();
      assertThat(latch.remaining()).isEqualTo(1);
      latch.countDown(connection);
      assertThat(latch.remaining()).isEqualTo(1);
      CompletableFuture<Boolean> waiting = onThread(() -> latch.await(Duration.ofMinutes(1)));
      connection.commit();
      assertThat(soon(waiting)).isTrue();
    }
  }

  @Test
  void whatWasCountedBeforeTheSessionEndedStaysCounted() {
    try (Keeper gone = database.keeper()) {
      gone.latch("/latch/gone", 2).countDown();
    }
    assertThat(keeper.latch("/latch/gone", 2).remaining()).isEqualTo(1);
  }

  @Test
  void anotherCountIsRefusedAndBothAreNamed() {
    keeper.latch("/latch/count", 3).countDown();
    assertThatThrownBy(() -> other.latch("/latch/count", 5).await(Duration.ZERO))
        .isInstanceOf(KeeperException.WrongRecipe.class)
        .hasMessageContaining("latch of 3")
        .hasMessageContaining("latch of 5");
    keeper.sharedValue("/latch/text", Codec.text(), "").set("open");
    assertThatThrownBy(() -> keeper.latch("/latch/text", 5).countDown())
        .isInstanceOf(KeeperException.NotANumber.class);
  }

  @Test
  void aNegativeCountIsRefusedAndALatchOfNothingIsOpen() throws Exception {
    assertThatThrownBy(() -> keeper.latch("/latch/negative", -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("/latch/negative")
        .hasMessageContaining("use 0 or more");
    assertThat(keeper.latch("/latch/zero", 0).await(Duration.ZERO)).isTrue();
  }

  @Test
  void whoRunsOutOfPatienceLeavesNothingBehind() throws Exception {
    assertThat(keeper.latch("/latch/patience", 1).await(Duration.ofMillis(20))).isFalse();
    assertThatThrownBy(() -> keeper.tree().unwatchAll("/latch/patience", WatchKind.ANY))
        .isInstanceOf(KeeperException.NoWatcher.class);
  }
}
