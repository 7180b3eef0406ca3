package dev.pgkeeper.lock;

import static dev.pgkeeper.testing.Futures.onThread;
import static dev.pgkeeper.testing.Futures.soon;
import static dev.pgkeeper.testing.Recipes.rowsBelow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Held;
import dev.pgkeeper.HoldState;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Recipes;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ReentrantMutexTest {
  private static TestDatabase database;
  private static Keeper keeper;

  @BeforeAll
  static void connect() {
    database = TestDatabase.fresh();
    keeper = database.keeper();
  }

  @AfterAll
  static void drop() {
    keeper.close();
    database.close();
  }

  @Test
  void aThreadAcquiresAgainWhatItHoldsAndTheLastCloseReleasesIt() throws Exception {
    ReentrantMutex mutex = keeper.reentrantLock("/reentrant/again");
    Held outer = mutex.acquire(Await.LIMIT);
    // Another object for the same lock is the same lock.
    Held inner = keeper.reentrantLock("/reentrant/again").acquire(Await.LIMIT);
    Held innermost = mutex.tryAcquire().orElseThrow();
    assertThat(mutex.depth()).isEqualTo(3);
    assertThat(inner.token()).isEqualTo(outer.token());
    assertThat(rowsBelow(database, "/reentrant/again")).isEqualTo(1);
    innermost.close();
    outer.release();
    assertThat(outer.isHeld()).isFalse();
    assertThat(outer.state()).isEqualTo(HoldState.RELEASED);
    assertThat(inner.isHeld()).isTrue();
    assertThat(mutex.isHeldByThisThread()).isTrue();
    assertThat(keeper.lock("/reentrant/again").tryAcquire()).isEmpty();
    inner.release();
    assertThat(mutex.isHeldByThisThread()).isFalse();
    assertThat(mutex.depth()).isZero();
    assertThat(rowsBelow(database, "/reentrant/again")).isZero();
  }

  @Test
  void anotherThreadOfTheSameKeeperWaits() throws Exception {
    ReentrantMutex mutex = keeper.reentrantLock("/reentrant/thread");
    Held held = mutex.acquire(Await.LIMIT);
    assertThat(soon(onThread(() -> mutex.tryAcquire().isPresent()))).isFalse();
    assertThat(soon(onThread(() -> mutex.tryAcquire(Duration.ofMillis(10)).isPresent()))).isFalse();
    CompletableFuture<Held> waits = onThread(mutex::acquire);
    Recipes.awaitRowsBelow(database, "/reentrant/thread", 2);
    held.release();
    Held next = soon(waits);
    assertThat(next.token()).isGreaterThan(held.token());
    next.release();
  }

  @Test
  void closingOneTwiceClosesNoOther() throws Exception {
    ReentrantMutex mutex = keeper.reentrantLock("/reentrant/twice");
    Held outer = mutex.acquire(Await.LIMIT);
    Held inner = mutex.acquire(Await.LIMIT);
    inner.release();
    inner.close();
    assertThatThrownBy(inner::release)
        .isInstanceOf(KeeperException.NotHeld.class)
        .hasMessageContaining("released before");
    assertThatThrownBy(inner::ensureHeld).isInstanceOf(KeeperException.NotHeld.class);
    assertThat(outer.isHeld()).isTrue();
    outer.release();
  }

  @Test
  void whenItIsLostEveryAcquisitionTellsAndTheNextOneIsNew() throws Exception {
    ReentrantMutex mutex = keeper.reentrantLock("/reentrant/lost").withData(new byte[] {1});
    Held outer = mutex.acquire(Await.LIMIT);
    Held inner = mutex.acquire(Await.LIMIT);
    CompletableFuture<Void> lost = new CompletableFuture<>();
    inner.onLost(() -> lost.complete(null));
    keeper.tree().delete(outer.node());
    soon(lost);
    assertThatThrownBy(inner::release).isInstanceOf(KeeperException.NotHeld.class);
    assertThatThrownBy(outer::release).isInstanceOf(KeeperException.NotHeld.class);
    try (Held anew = mutex.acquire(Await.LIMIT)) {
      assertThat(anew.token()).isGreaterThan(outer.token());
      assertThat(anew.isHeld()).isTrue();
    }
  }

  @Test
  void itIsTheSameLockAsTheMutexOfItsPath() throws Exception {
    try (Held held = keeper.lock("/reentrant/same").acquire()) {
      assertThat(keeper.reentrantLock("/reentrant/same").tryAcquire()).isEmpty();
      assertThatThrownBy(
              () -> keeper.reentrantLock("/reentrant/same").acquire(Duration.ofMillis(5)))
          .isInstanceOf(KeeperException.Busy.class);
      assertThat(held.isHeld()).isTrue();
    }
  }
}
