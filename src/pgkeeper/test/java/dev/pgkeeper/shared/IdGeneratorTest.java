package dev.pgkeeper.shared;

import static dev.pgkeeper.testing.Futures.onThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TwoClients;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class IdGeneratorTest extends TwoClients {
  private static long given(String path) {
    return keeper.counter(path).get();
  }

  @Test
  void noNumberIsHandedOutTwiceByManyThreadsOfSeveralClients() throws Exception {
    IdGenerator first = keeper.idGenerator("/ids/many", 10);
    IdGenerator second = other.idGenerator("/ids/many", 7);
    List<CompletableFuture<List<Long>>> running = new ArrayList<>();
    for (int thread = 0; thread < 8; thread++) {
      IdGenerator ids = thread % 2 == 0 ? first : second;
      running.add(
          onThread(
              () -> {
                List<Long> mine = new ArrayList<>();
                for (int i = 0; i < 1_000; i++) {
                  mine.add(ids.next());
                }
                return mine;
              }));
    }
    Set<Long> all = new HashSet<>();
    for (CompletableFuture<List<Long>> one : running) {
      List<Long> mine = one.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
      assertThat(mine).as("the numbers of one object grow").isSorted();
      all.addAll(mine);
    }
    assertThat(all).hasSize(8 * 1_000).allMatch(id -> id > 0 && id <= given("/ids/many"));
  }

  @Test
  void aBlockCostsOneRoundTripAndTheNextOneIsFetchedBeforeItIsUsedUp() {
    IdGenerator ids = keeper.idGenerator("/ids/ahead", 1000);
    for (int i = 1; i < 500; i++) {
      assertThat(ids.next()).isEqualTo(i);
    }
    assertThat(given("/ids/ahead")).isEqualTo(1000);
    assertThat(ids.next()).isEqualTo(500);
    Await.until("a second block", () -> given("/ids/ahead") > 1000);
    for (int i = 501; i <= 1000; i++) {
      assertThat(ids.next()).isEqualTo(i);
    }
  }

  @Test
  void aRestartLeavesAGapAndNeverGoesBack() {
    IdGenerator before = keeper.idGenerator("/ids/restart", 100);
    assertThat(before.next()).isEqualTo(1);
    try (Keeper restarted = database.keeper()) {
      IdGenerator after = restarted.idGenerator("/ids/restart", 100);
      assertThat(after.next()).isEqualTo(101);
      assertThat(before.next()).isEqualTo(2);
    }
  }

  @Test
  void whenTheSessionIsLostItGoesOnInTheNextOne() {
    try (Keeper loses = database.keeper()) {
      IdGenerator ids = loses.idGenerator("/ids/lost", 4);
      long last = 0;
      for (int round = 0; round < 3; round++) {
        SessionLog.lose(database, loses);
        for (int i = 0; i < 20; i++) {
          long next = ids.next();
          assertThat(next).isGreaterThan(last);
          last = next;
        }
      }
      assertThat(loses.session().state()).isEqualTo(SessionState.HELD);
    }
  }

  @Test
  void afterTheKeeperWasClosedItHandsOutWhatItHasAndNoMore() {
    Keeper closed = database.keeper();
    IdGenerator ids = closed.idGenerator("/ids/closed", 4);
    assertThat(ids.next()).isEqualTo(1);
    closed.close();
    for (int i = 2; i <= 4; i++) {
      assertThat(ids.next()).isEqualTo(i);
    }
    assertThatThrownBy(ids::next)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  /** Those who wait for a block do not keep whoever fetches it from a thread. */
  @Test
  void itMayBeAskedOnAllThreadsOfTheKeeperAtOnce() throws Exception {
    IdGenerator ids = keeper.idGenerator("/ids/async", 1);
    List<CompletableFuture<Integer>> running = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      running.add(
          keeper.async(
              tree -> {
                for (int n = 0; n < 20; n++) {
                  ids.next();
                }
                return 20;
              }));
    }
    for (CompletableFuture<Integer> one : running) {
      one.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
    }
    assertThat(ids.next()).isGreaterThan(64 * 20);
  }

  @Test
  void whenSixtyFourBitsAreUsedUpThatIsSaid() {
    keeper.counter("/ids/full").set(Long.MAX_VALUE - 2);
    IdGenerator ids = keeper.idGenerator("/ids/full", 2);
    assertThat(ids.next()).isEqualTo(Long.MAX_VALUE - 1);
    assertThat(ids.next()).isEqualTo(Long.MAX_VALUE);
    assertThatThrownBy(ids::next).isInstanceOf(KeeperException.Overflow.class);
    assertThatThrownBy(ids::next).isInstanceOf(KeeperException.Overflow.class);
  }

  @Test
  void blocksOfNothingAreRefused() {
    for (int size : new int[] {0, -1}) {
      assertThatThrownBy(() -> keeper.idGenerator("/ids/none", size))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("/ids/none")
          .hasMessageContaining("use 1 to");
    }
  }
}
