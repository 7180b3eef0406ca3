package dev.pgkeeper.lock;

import static dev.pgkeeper.testing.Futures.soon;
import static dev.pgkeeper.testing.Recipes.awaitRowsBelow;
import static dev.pgkeeper.testing.Recipes.rowsBelow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Held;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.line.Contender;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TwoClients;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class SemaphoreTest extends TwoClients {
  @Test
  void asManyHoldAsThereArePermitsAndTheNextOneWaitsForOne() throws Exception {
    Semaphore semaphore = keeper.semaphore("/semaphore/three", 3);
    Held one = semaphore.acquire();
    Held two = other.semaphore("/semaphore/three", 3).acquire(2);
    assertThat(semaphore.available()).isZero();
    assertThat(semaphore.tryAcquire()).isEmpty();
    CompletableFuture<Held> waits = semaphore.acquireAsync(1);
    awaitRowsBelow(database, "/semaphore/three", 3);
    assertThat(waits).isNotDone();
    one.release();
    Held next = soon(waits);
    assertThat(next.token()).isGreaterThan(two.token());
    assertThat(semaphore.available()).isZero();
    two.release();
    assertThat(semaphore.available()).isEqualTo(2);
    next.release();
    assertThat(semaphore.available()).isEqualTo(3);
  }

  @Test
  void whoAsksForManyIsNotPassedByThoseWhoAskForFew() throws Exception {
    Semaphore semaphore = keeper.semaphore("/semaphore/many", 3);
    Held one = semaphore.acquire();
    CompletableFuture<Held> many = semaphore.acquireAsync(3);
    awaitRowsBelow(database, "/semaphore/many", 2);
    CompletableFuture<Held> few = semaphore.acquireAsync(1);
    awaitRowsBelow(database, "/semaphore/many", 3);
    assertThat(semaphore.tryAcquire()).isEmpty();
    assertThat(semaphore.available()).isEqualTo(2);
    assertThat(semaphore.waiters()).extracting(Contender::what).containsExactly("3", "1");
    one.release();
    Held all = soon(many);
    assertThat(few).isNotDone();
    all.release();
    soon(few).release();
  }

  @Test
  void anotherSizeIsRefusedAndNamedBesideTheOneThatIsSettled() throws Exception {
    keeper.semaphore("/semaphore/size", 3).acquire().release();
    assertThatThrownBy(() -> other.semaphore("/semaphore/size", 5).tryAcquire())
        .isInstanceOf(KeeperException.WrongRecipe.class)
        .hasMessageContaining("semaphore of 3")
        .hasMessageContaining("semaphore of 5");
  }

  @Test
  void theSizeStaysSettledWhenNobodyIsLeft() throws Exception {
    keeper.semaphore("/semaphore/stays", 2).acquire().release();
    assertThat(database.queryLong("SELECT ${schema}.reap_nodes(100)")).isNotNegative();
    assertThat(keeper.tree().exists("/semaphore/stays")).isPresent();
    assertThat(
            database.queryString(
                "SELECT kind FROM ${schema}.nodes WHERE path = '/semaphore/stays'"))
        .isEqualTo("persistent");
  }

  @Test
  void nobodyCanAskForNothingForLessOrForMoreThanThereIs() {
    Semaphore semaphore = keeper.semaphore("/semaphore/limits", 2);
    for (int number : new int[] {0, -1, 3}) {
      assertThatThrownBy(() -> semaphore.tryAcquire(number))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("use 1 to 2");
    }
    for (int size : new int[] {0, -1, 1_000_000_000}) {
      assertThatThrownBy(() -> keeper.semaphore("/semaphore/limits", size))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("use 1 to");
    }
  }

  @Test
  void whoRunsOutOfPatienceLeavesNothingAndIsToldWhoHoldsIt() throws Exception {
    Semaphore semaphore =
        keeper.semaphore("/semaphore/patience", 2).withData("Ada".getBytes(StandardCharsets.UTF_8));
    try (Held all = semaphore.acquire(2)) {
      assertThat(semaphore.tryAcquire(1, Duration.ofMillis(20))).isEmpty();
      assertThatThrownBy(() -> semaphore.acquire(1, Duration.ofMillis(20)))
          .isInstanceOf(KeeperException.Busy.class)
          .hasMessageContaining("session " + keeper.session().id());
      assertThat(rowsBelow(database, "/semaphore/patience")).isEqualTo(1);
      assertThat(semaphore.holders())
          .singleElement()
          .satisfies(holder -> assertThat(holder.token()).isEqualTo(all.token()))
          .satisfies(holder -> assertThat(holder.data()).asString().isEqualTo("Ada"));
    }
  }

  @Test
  void permitsThatWereHadAtMostSoLongGoBackByThemselves() throws Exception {
    Semaphore semaphore = keeper.semaphore("/semaphore/limit", 2);
    Held all = semaphore.atMost(Duration.ofMillis(100)).acquire(2);
    try (Held next = other.semaphore("/semaphore/limit", 2).acquire(2, Await.LIMIT)) {
      assertThat(all.isHeld()).isFalse();
      assertThat(next.token()).isGreaterThan(all.token());
    }
  }
}
