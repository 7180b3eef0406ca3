package dev.pgkeeper.recipes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class MutexTest {
  private static TestDatabase database;

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void drop() {
    database.close();
  }

  private static Keeper connect() {
    return Keeper.connect(
        database.dataSource(),
        KeeperOptions.defaults().withSchema(database.schema()).withSweep(Duration.ofHours(1)));
  }

  @Test
  void aReleaseWakesTheNextOneWithAGreaterToken() throws Exception {
    try (Keeper first = connect();
        Keeper second = connect()) {
      Held held = first.lock("/mutex/wakes").acquire();
      assertThat(second.lock("/mutex/wakes").tryAcquire()).isEmpty();
      CompletableFuture<Held> waits = second.lock("/mutex/wakes").acquireAsync();
      while (second.lock("/mutex/wakes").waiters().isEmpty()) {
        Thread.onSpinWait();
      }
      assertThat(waits).isNotDone();
      held.release();
      Held next = waits.get(5, TimeUnit.SECONDS);
      assertThat(next.isHeld()).isTrue();
      assertThat(next.token()).isGreaterThan(held.token());
      assertThatThrownBy(held::ensureHeld).isInstanceOf(KeeperException.NotHeld.class);
      assertThatThrownBy(held::release)
          .isInstanceOf(KeeperException.NotHeld.class)
          .hasMessageContaining("released before");
      next.release();
      try (Held again = first.lock("/mutex/wakes").acquire(Duration.ofSeconds(5))) {
        assertThat(again.token()).isGreaterThan(next.token());
      }
    }
  }
}
