package dev.pgkeeper.lock;

import static dev.pgkeeper.testing.Futures.onThread;
import static dev.pgkeeper.testing.Futures.soon;
import static dev.pgkeeper.testing.Recipes.awaitRowsBelow;
import static dev.pgkeeper.testing.Recipes.rowsBelow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Recipes;
import dev.pgkeeper.testing.TestDatabase;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class JavaLockTest {
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
  void itIsReentrantAndTheOutermostUnlockReleasesIt() throws Exception {
    JavaLock lock = keeper.javaLock("/java/reentrant");
    lock.lock();
    assertThat(lock.tryLock()).isTrue();
    assertThat(lock.tryLock(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    lock.unlock();
    lock.unlock();
    assertThat(soon(onThread(() -> lock.tryLock()))).isFalse();
    assertThat(lock.held().orElseThrow().isHeld()).isTrue();
    lock.unlock();
    assertThat(lock.held()).isEmpty();
    assertThat(rowsBelow(database, "/java/reentrant")).isZero();
    assertThatThrownBy(lock::unlock).isInstanceOf(IllegalMonitorStateException.class);
  }

  @Test
  void nobodyUnlocksWhatAnotherThreadLocked() throws Exception {
    JavaLock lock = keeper.javaLock("/java/thread");
    lock.lock();
    CompletableFuture<Void> unlocked =
        onThread(
            () -> {
              lock.unlock();
              return null;
            });
    assertThatThrownBy(() -> soon(unlocked))
        .isInstanceOf(IllegalMonitorStateException.class)
        .hasMessageContaining("/java/thread");
    assertThat(lock.held().orElseThrow().isHeld()).isTrue();
    lock.unlock();
  }

  @Test
  void unlockTellsThatTheLockWasLost() throws Exception {
    JavaLock lock = keeper.javaLock("/java/lost");
    Held first = keeper.lock("/java/lost").acquire();
    CompletableFuture<Void> unlocked =
        onThread(
            () -> {
              lock.lock();
              Held held = lock.held().orElseThrow();
              CompletableFuture<Void> lost = new CompletableFuture<>();
              held.onLost(() -> lost.complete(null));
              keeper.tree().deleteRecursive("/java/lost");
              soon(lost);
              lock.unlock();
              return null;
            });
    awaitRowsBelow(database, "/java/lost", 2);
    first.release();
    assertThatThrownBy(() -> soon(unlocked)).isInstanceOf(KeeperException.NotHeld.class);
  }

  @Test
  void lockIsNotInterruptedButRemembersThatSomebodyTried() throws Exception {
    JavaLock lock = keeper.javaLock("/java/uninterrupted");
    Held held = keeper.lock("/java/uninterrupted").acquire();
    CompletableFuture<Thread> thread = new CompletableFuture<>();
    CompletableFuture<Boolean> interrupted =
        onThread(
            () -> {
              thread.complete(Thread.currentThread());
              lock.lock();
              boolean flag = Thread.interrupted();
              lock.unlock();
              return flag;
            });
    awaitRowsBelow(database, "/java/uninterrupted", 2);
    soon(thread).interrupt();
    assertThat(interrupted).isNotDone();
    held.release();
    assertThat(soon(interrupted)).isTrue();
  }

  @Test
  void lockInterruptiblyAndTimedTriesAreInterruptedAndLeaveNothing() throws Exception {
    JavaLock lock = keeper.javaLock("/java/interrupted");
    try (Held held = keeper.lock("/java/interrupted").acquire()) {
      for (Recipes.Attempt attempt :
          new Recipes.Attempt[] {
            lock::lockInterruptibly, () -> lock.tryLock(10, TimeUnit.MINUTES)
          }) {
        CompletableFuture<Thread> thread = new CompletableFuture<>();
        CompletableFuture<Void> waits =
            onThread(
                () -> {
                  thread.complete(Thread.currentThread());
                  attempt.run();
                  return null;
                });
        awaitRowsBelow(database, "/java/interrupted", 2);
        soon(thread).interrupt();
        assertThatThrownBy(() -> soon(waits)).isInstanceOf(InterruptedException.class);
        assertThat(rowsBelow(database, "/java/interrupted")).isEqualTo(1);
      }
      assertThat(soon(onThread(() -> lock.tryLock(5, TimeUnit.MILLISECONDS)))).isFalse();
      assertThat(held.isHeld()).isTrue();
    }
    assertThat(lock.tryLock(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    lock.unlock();
  }

  @Test
  void thereAreNoConditions() {
    assertThatThrownBy(() -> keeper.javaLock("/java/condition").newCondition())
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("no conditions");
  }
}
