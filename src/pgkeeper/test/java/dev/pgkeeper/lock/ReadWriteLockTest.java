package dev.pgkeeper.lock;

import static dev.pgkeeper.testing.Futures.onThread;
import static dev.pgkeeper.testing.Futures.soon;
import static dev.pgkeeper.testing.Recipes.awaitRowsBelow;
import static dev.pgkeeper.testing.Recipes.rowsBelow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Held;
import dev.pgkeeper.HoldState;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.line.Contender;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TwoClients;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ReadWriteLockTest extends TwoClients {
  @Test
  void readersHoldItTogetherAndAWriterAlone() throws Exception {
    ReadWriteLock here = keeper.readWriteLock("/rw/together");
    ReadWriteLock there = other.readWriteLock("/rw/together");
    Held one = here.read().acquire();
    Held two = there.read().acquire();
    CompletableFuture<Held> writer = there.write().acquireAsync();
    awaitRowsBelow(database, "/rw/together", 3);
    one.release();
    assertThat(here.write().tryAcquire()).isEmpty();
    assertThat(writer).isNotDone();
    two.release();
    Held write = soon(writer);
    assertThat(here.read().tryAcquire()).isEmpty();
    assertThat(here.holders()).extracting(Contender::what).containsExactly("write");
    write.release();
    here.read().acquire(Await.LIMIT).release();
  }

  @Test
  void aReaderWaitsForTheWriterThatCameBeforeIt() throws Exception {
    ReadWriteLock lock = keeper.readWriteLock("/rw/order");
    Held one = lock.read().acquire();
    CompletableFuture<Held> writer = lock.write().acquireAsync();
    awaitRowsBelow(database, "/rw/order", 2);
    CompletableFuture<Held> reader = lock.read().acquireAsync();
    awaitRowsBelow(database, "/rw/order", 3);
    assertThat(lock.waiters()).extracting(Contender::what).containsExactly("write", "read");
    assertThat(reader).isNotDone();
    one.release();
    Held write = soon(writer);
    assertThat(reader).isNotDone();
    write.release();
    soon(reader).release();
  }

  @Test
  void aThreadThatReadsAndAsksForTheWriteIsToldToReleaseFirst() throws Exception {
    ReadWriteLock lock = keeper.readWriteLock("/rw/upgrade");
    try (Held read = lock.read().acquire()) {
      // Another object for the same lock is the same lock.
      ReadWriteLock same = keeper.readWriteLock("/rw/upgrade");
      assertThatThrownBy(() -> same.write().acquire())
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("/rw/upgrade")
          .hasMessageContaining("release the read first");
      assertThatThrownBy(() -> same.write().acquire(Duration.ofMillis(1)))
          .isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> same.write().tryAcquire()).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> same.write().tryAcquire(Duration.ofMillis(1)))
          .isInstanceOf(IllegalStateException.class);
      assertThat(rowsBelow(database, "/rw/upgrade")).isEqualTo(1);
      assertThat(read.isHeld()).isTrue();
    }
    lock.write().acquire().release();
  }

  @Test
  void whoDoesNotReadItselfMayAskForTheWrite() throws Exception {
    ReadWriteLock lock = keeper.readWriteLock("/rw/others");
    Held read = soon(onThread(() -> lock.read().acquire()));
    assertThat(lock.write().tryAcquire()).isEmpty();
    CompletableFuture<Held> writer = onThread(() -> lock.write().acquire());
    awaitRowsBelow(database, "/rw/others", 2);
    read.release();
    soon(writer).release();
  }

  @Test
  void aThreadThatWritesAndAsksForTheReadIsToldToDowngrade() throws Exception {
    ReadWriteLock lock = keeper.readWriteLock("/rw/write-read");
    try (Held write = lock.write().acquire()) {
      assertThatThrownBy(() -> lock.read().acquire())
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("downgrade");
      assertThatThrownBy(() -> lock.write().tryAcquire()).isInstanceOf(IllegalStateException.class);
      assertThat(write.isHeld()).isTrue();
    }
  }

  @Test
  void aSecondReadThatWouldWaitForAWriterThatWaitsForTheFirstIsRefused() throws Exception {
    ReadWriteLock lock = keeper.readWriteLock("/rw/second-read");
    Held read = lock.read().acquire();
    lock.read().acquire().release();
    CompletableFuture<Held> writer = lock.write().acquireAsync();
    awaitRowsBelow(database, "/rw/second-read", 2);
    CompletableFuture<Held> again = onThread(() -> lock.read().acquire());
    awaitRowsBelow(database, "/rw/second-read", 3);
    assertThatThrownBy(() -> lock.read().acquire())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("use the read that is there");
    read.release();
    soon(writer).release();
    soon(again).release();
  }

  @Test
  void aDowngradedWriteReadsAtOnceAndLetsInTheReadersBehindIt() throws Exception {
    ReadWriteLock lock = keeper.readWriteLock("/rw/downgrade");
    Held write = lock.write().acquire();
    CompletableFuture<Held> reader = other.readWriteLock("/rw/downgrade").read().acquireAsync();
    awaitRowsBelow(database, "/rw/downgrade", 2);
    CompletableFuture<Held> writer = other.readWriteLock("/rw/downgrade").write().acquireAsync();
    awaitRowsBelow(database, "/rw/downgrade", 3);
    Held read = lock.downgrade(write);
    assertThat(read.isHeld()).isTrue();
    assertThat(read.token()).isEqualTo(write.token());
    assertThat(write.isHeld()).isFalse();
    assertThat(write.state()).isEqualTo(HoldState.RELEASED);
    assertThatThrownBy(write::release).isInstanceOf(KeeperException.NotHeld.class);
    Held beside = soon(reader);
    assertThat(writer).isNotDone();
    assertThatThrownBy(() -> lock.write().tryAcquire())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("release the read first");
    read.release();
    beside.release();
    soon(writer).release();
  }

  @Test
  void onlyAWriteOfThisLockCanBeDowngraded() throws Exception {
    ReadWriteLock lock = keeper.readWriteLock("/rw/which");
    try (Held read = lock.read().acquire();
        Held elsewhere = keeper.readWriteLock("/rw/elsewhere").write().acquire()) {
      assertThatThrownBy(() -> lock.downgrade(read)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> lock.downgrade(elsewhere))
          .isInstanceOf(IllegalArgumentException.class);
    }
    Held write = lock.write().acquire();
    try (Held read = lock.downgrade(write)) {
      assertThatThrownBy(() -> lock.downgrade(read)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> lock.downgrade(write)).isInstanceOf(KeeperException.NotHeld.class);
      assertThat(read.isHeld()).isTrue();
    }
  }

  @Test
  void aDowngradedWriteKeepsTheEndOfItsTime() throws Exception {
    ReadWriteLock lock = keeper.readWriteLock("/rw/limit");
    Held write = lock.atMost(Duration.ofSeconds(10)).write().acquire();
    Await.pause(Duration.ofMillis(200));
    Held read = lock.downgrade(write);
    assertThat(read.remaining()).isLessThanOrEqualTo(Duration.ofMillis(9_800));
    other.readWriteLock("/rw/limit").write().acquire(Await.LIMIT).release();
    assertThat(read.isHeld()).isFalse();
  }

  @Test
  void aHoldThatEndsBeforeTheOthersDoesNotBlockItsThread() throws Exception {
    ReadWriteLock lock = keeper.readWriteLock("/rw/lost");
    Held read = lock.read().acquire();
    keeper.tree().deleteRecursive(read.node());
    CompletableFuture<Void> lost = new CompletableFuture<>();
    read.onLost(() -> lost.complete(null));
    soon(lost);
    lock.write().acquire(Await.LIMIT).release();
  }
}
