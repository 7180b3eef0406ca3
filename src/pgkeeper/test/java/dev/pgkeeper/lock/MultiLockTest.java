package dev.pgkeeper.lock;

import static dev.pgkeeper.testing.Futures.onThread;
import static dev.pgkeeper.testing.Futures.soon;
import static dev.pgkeeper.testing.Recipes.awaitRowsBelow;
import static dev.pgkeeper.testing.Recipes.rowsBelow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Held;
import dev.pgkeeper.HoldState;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class MultiLockTest {
  private static TestDatabase database;
  private static Keeper keeper;
  private static Keeper other;

  @BeforeAll
  static void connect() {
    database = TestDatabase.fresh();
    keeper = database.keeper();
    other = database.keeper();
    database.execute("CREATE TABLE ${schema}.done (what text)");
  }

  @AfterAll
  static void drop() {
    keeper.close();
    other.close();
    database.close();
  }

  private static long rows(String... lines) {
    return List.of(lines).stream().mapToLong(line -> rowsBelow(database, line)).sum();
  }

  @Test
  void allAreHeldOrNone() throws Exception {
    MultiLock two = keeper.multiLock(List.of("/multi/b", "/multi/a", "/multi/b"));
    assertThat(two.paths()).containsExactly("/multi/a", "/multi/b");
    HeldAll held = two.acquire();
    assertThat(held.isHeld()).isTrue();
    assertThat(held.holds()).extracting(Held::path).containsExactly("/multi/a", "/multi/b");
    assertThat(other.lock("/multi/a").tryAcquire()).isEmpty();
    assertThat(other.lock("/multi/b").tryAcquire()).isEmpty();
    held.release();
    assertThat(rows("/multi/a", "/multi/b")).isZero();
    assertThatThrownBy(held::release).isInstanceOf(KeeperException.NotHeld.class);
    try (Held b = other.lock("/multi/b").acquire()) {
      assertThat(two.tryAcquire()).isEmpty();
      assertThat(rows("/multi/a")).isZero();
      assertThat(b.isHeld()).isTrue();
    }
    two.acquire(Await.LIMIT).close();
    assertThat(rows("/multi/a", "/multi/b")).isZero();
  }

  @Test
  void oneDeadlineIsForAllOfThemAndLeavesNothing() throws Exception {
    MultiLock three = keeper.multiLock(List.of("/multi/t1", "/multi/t2", "/multi/t3"));
    try (Held last = other.lock("/multi/t3").acquire()) {
      long began = System.nanoTime();
      assertThat(three.tryAcquire(Duration.ofMillis(50))).isEmpty();
      assertThatThrownBy(() -> three.acquire(Duration.ofMillis(50)))
          .isInstanceOf(KeeperException.Busy.class)
          .hasMessageContaining("/multi/t3")
          .hasMessageContaining("session " + other.session().id());
      assertThat(System.nanoTime() - began).isGreaterThanOrEqualTo(100_000_000);
      assertThat(rows("/multi/t1", "/multi/t2")).isZero();
      assertThat(rows("/multi/t3")).isEqualTo(1);
      assertThat(last.isHeld()).isTrue();
    }
    assertThat(rows("/multi/t1", "/multi/t2", "/multi/t3")).isZero();
  }

  @Test
  void theTimeThatWentWithTheFirstIsMissingForTheSecond() throws Exception {
    MultiLock two = keeper.multiLock(List.of("/multi/m1", "/multi/m2"));
    Duration limit = Duration.ofSeconds(6);
    Held first = other.lock("/multi/m1").acquire();
    try (Held second = other.lock("/multi/m2").acquire()) {
      CompletableFuture<Boolean> got = onThread(() -> two.tryAcquire(limit).isPresent());
      awaitRowsBelow(database, "/multi/m1", 2);
      // The time itself is what this is about: most of it goes with the first.
      Await.pause(limit.minusSeconds(1));
      // Who begins to count now, as for a time of its own, is longer about it.
      CompletableFuture<Boolean> anew =
          onThread(() -> keeper.lock("/multi/m2").tryAcquire(limit).isPresent());
      awaitRowsBelow(database, "/multi/m2", 2);
      first.release();
      assertThat(soon(got)).isFalse();
      assertThat(anew).isNotDone();
      assertThat(second.isHeld()).isTrue();
      assertThat(soon(anew)).isFalse();
    }
    assertThat(rows("/multi/m1", "/multi/m2")).isZero();
  }

  @Test
  void whoIsInterruptedLeavesNothing() throws Exception {
    MultiLock two = keeper.multiLock(List.of("/multi/i1", "/multi/i2"));
    try (Held second = other.lock("/multi/i2").acquire()) {
      CompletableFuture<Thread> thread = new CompletableFuture<>();
      CompletableFuture<HeldAll> waits =
          onThread(
              () -> {
                thread.complete(Thread.currentThread());
                return two.acquire();
              });
      awaitRowsBelow(database, "/multi/i2", 2);
      soon(thread).interrupt();
      assertThatThrownBy(() -> soon(waits)).isInstanceOf(InterruptedException.class);
      assertThat(rows("/multi/i1")).isZero();
      assertThat(rows("/multi/i2")).isEqualTo(1);
      assertThat(second.isHeld()).isTrue();
    }
  }

  @Test
  void whoFailsOnOneLeavesNothing() {
    keeper.tree().create("/multi-plain", new byte[0]);
    assertThatThrownBy(() -> keeper.multiLock(List.of("/a-multi", "/multi-plain")).acquire())
        .isInstanceOf(KeeperException.WrongRecipe.class);
    assertThat(rows("/a-multi")).isZero();
  }

  @Test
  void twoThatWantTheSameInAnyOrderNeverWaitForEachOther() throws Exception {
    CompletableFuture<Integer> forwards =
        onThread(() -> lockAndRelease(keeper, List.of("/multi/o1", "/multi/o2")));
    CompletableFuture<Integer> backwards =
        onThread(() -> lockAndRelease(other, List.of("/multi/o2", "/multi/o1")));
    assertThat(soon(forwards) + soon(backwards)).isEqualTo(200);
  }

  private static int lockAndRelease(Keeper whose, List<String> paths) throws InterruptedException {
    int times = 0;
    while (times < 100) {
      try (HeldAll held = whose.multiLock(paths).acquire()) {
        held.ensureHeld();
        times++;
      }
    }
    return times;
  }

  @Test
  void whenOneIsLostAllAreAndNothingIsCommitted() throws Exception {
    MultiLock two = keeper.multiLock(List.of("/multi/l1", "/multi/l2")).withData(new byte[] {1});
    HeldAll held = two.acquire();
    Heard<HoldState> states = new Heard<>();
    held.onStateChange(states::add);
    String insert = "INSERT INTO " + database.schema() + ".done VALUES ('two')";
    held.inTransaction(connection -> connection.createStatement().execute(insert));
    Held second = held.holds().get(1);
    assertThatThrownBy(
            () ->
                held.inTransaction(
                    connection -> {
                      connection.createStatement().execute(insert);
                      keeper.tree().delete(second.node());
                    }))
        .isInstanceOf(KeeperException.NotHeld.class);
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.done")).isEqualTo(1);
    states.await(HoldState.LOST);
    assertThat(held.state()).isEqualTo(HoldState.LOST);
    assertThat(held.isHeld()).isFalse();
    assertThat(held.remaining()).isZero();
    assertThatThrownBy(held::ensureHeld).isInstanceOf(KeeperException.NotHeld.class);
    assertThatThrownBy(held::release).isInstanceOf(KeeperException.NotHeld.class);
    assertThat(rows("/multi/l1", "/multi/l2")).isZero();
    assertThat(states.all()).containsExactly(HoldState.LOST);
  }

  @Test
  void aLockOfNothingIsRefused() {
    assertThatThrownBy(() -> keeper.multiLock(List.of()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> keeper.multiLock(List.of("/x")).tryAcquire(Duration.ofMillis(-1)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
