package dev.pgkeeper.shared;

import static dev.pgkeeper.testing.Futures.onThread;
import static dev.pgkeeper.testing.Futures.soon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Codec;
import dev.pgkeeper.InvalidPathException;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Recipes;
import dev.pgkeeper.testing.TwoClients;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class CounterTest extends TwoClients {
  private static final int THREADS = 16;

  private static void put(String path, String data) {
    keeper.sharedValue(path, Codec.text(), "").set(data);
  }

  private static String data(String path) {
    return new String(keeper.tree().get(path).data(), StandardCharsets.UTF_8);
  }

  @Test
  void itIsZeroUntilSomebodyChangesItAndThenWhatItsNodeSays() {
    Counter counter = keeper.counter("/counter/deep/first");
    assertThat(counter.get()).isZero();
    assertThat(keeper.tree().exists("/counter/deep")).isEmpty();
    assertThat(counter.add(5)).isEqualTo(5);
    assertThat(other.counter("/counter/deep/first").decrement()).isEqualTo(4);
    assertThat(counter.increment()).isEqualTo(5);
    assertThat(counter.add(-7)).isEqualTo(-2);
    assertThat(counter.get()).isEqualTo(-2);
    assertThat(data("/counter/deep/first")).isEqualTo("-2");
    assertThat(keeper.tree().stat("/counter/deep/first").version()).isEqualTo(4);
  }

  /** Of one client's threads they go together, of two clients they meet at the row. */
  @Test
  void eachAdditionOfManyThreadsAndClientsHasItsOwnSum() throws Exception {
    List<CompletableFuture<List<Long>>> running = new ArrayList<>();
    for (int thread = 0; thread < THREADS; thread++) {
      Counter counter = (thread % 4 == 0 ? other : keeper).counter("/counter/many");
      running.add(
          onThread(
              () -> {
                List<Long> sums = new ArrayList<>();
                for (int i = 0; i < 50; i++) {
                  sums.add(counter.increment());
                }
                return sums;
              }));
    }
    List<Long> all = new ArrayList<>();
    for (CompletableFuture<List<Long>> one : running) {
      List<Long> sums = one.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
      assertThat(sums).isSorted();
      all.addAll(sums);
    }
    assertThat(all)
        .containsExactlyInAnyOrderElementsOf(
            LongStream.rangeClosed(1, THREADS * 50).boxed().toList());
    assertThat(keeper.tree().stat("/counter/many").version()).isEqualTo(THREADS * 50);
  }

  @Test
  void itIsSetOnlyIfItIsWhatWasExpected() {
    Counter counter = keeper.counter("/counter/compared");
    assertThat(counter.compareAndSet(1, 2)).isFalse();
    assertThat(counter.compareAndSet(0, 7)).isTrue();
    assertThat(counter.compareAndSet(0, 8)).isFalse();
    assertThat(counter.compareAndSet(7, Long.MIN_VALUE)).isTrue();
    assertThat(counter.get()).isEqualTo(Long.MIN_VALUE);
    counter.set(3);
    assertThat(counter.get()).isEqualTo(3);
    Counter fresh = keeper.counter("/counter/set");
    fresh.set(9);
    assertThat(fresh.get()).isEqualTo(9);
  }

  /** The trap: it has the version that it had, and is another number. */
  @Test
  void whatIsDeletedAndMadeAgainMeanwhileIsComparedByItsNumber() throws Exception {
    Counter counter = keeper.counter("/counter/again");
    counter.set(5);
    CompletableFuture<Boolean> comparing;
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      keeper.tree(connection).delete("/counter/again");
      keeper.tree(connection).create("/counter/again", "9".getBytes(StandardCharsets.UTF_8));
      comparing = onThread(() -> counter.compareAndSet(5, 6));
      Recipes.awaitLockWaiter(database);
      connection.commit();
    }
    assertThat(comparing.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isFalse();
    assertThat(data("/counter/again")).isEqualTo("9");
  }

  /** Others write to the same log without a flush: once of a few times nobody just did. */
  @Test
  void whoeverAddsAtTheSameTimeAsOthersHasItDurableToo() throws Exception {
    boolean flushed = false;
    for (int attempt = 0; attempt < 4 && !flushed; attempt++) {
      keeper.counter("/counter/durable").set(0);
      assertThat(addTogether("/counter/durable")).containsExactlyInAnyOrder(11L, 12L);
      flushed =
          database.queryLong(
                  "SELECT (pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn())::int")
              == 1;
    }
    assertThat(flushed).as("all of the log is flushed").isTrue();
  }

  /** Two clients that wait for a third one's transaction, which adds ten. */
  private static List<Long> addTogether(String path) throws Exception {
    CompletableFuture<Long> first;
    CompletableFuture<Long> second;
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      keeper.counter(path).in(connection).add(10);
      first = onThread(keeper.counter(path)::increment);
      Recipes.awaitLockWaiter(database);
      second = onThread(other.counter(path)::increment);
      Await.until("both wait", () -> lockWaiters() == 2);
      connection.commit();
    }
    return List.of(soon(first), soon(second));
  }

  private static long lockWaiters() {
    return database.queryLong(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            + " AND query LIKE '%${schema}%' AND pid <> pg_backend_pid()");
  }

  /** As many succeed as the number has grown, whoever of them was how quick. */
  @Test
  void noTwoWhoCompareAtOnceBothSucceed() throws Exception {
    List<CompletableFuture<Integer>> running = new ArrayList<>();
    for (int thread = 0; thread < 8; thread++) {
      Counter counter = (thread % 2 == 0 ? other : keeper).counter("/counter/race");
      running.add(
          onThread(
              () -> {
                int done = 0;
                for (int i = 0; i < 30; i++) {
                  long now = counter.get();
                  done += counter.compareAndSet(now, now + 1) ? 1 : 0;
                }
                return done;
              }));
    }
    long done = 0;
    for (CompletableFuture<Integer> one : running) {
      done += one.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
    }
    assertThat(keeper.counter("/counter/race").get()).isEqualTo(done).isPositive();
  }

  @Test
  void whatSixtyFourBitsDoNotHoldIsRefusedAndNothingIsAdded() {
    Counter counter = keeper.counter("/counter/full");
    counter.set(Long.MAX_VALUE - 1);
    assertThat(counter.increment()).isEqualTo(Long.MAX_VALUE);
    assertThatThrownBy(counter::increment)
        .isInstanceOf(KeeperException.Overflow.class)
        .hasMessageContaining("/counter/full")
        .hasMessageContaining("nothing was added");
    assertThat(counter.add(Long.MIN_VALUE)).isEqualTo(-1);
    assertThat(counter.add(Long.MIN_VALUE + 1)).isEqualTo(Long.MIN_VALUE);
    assertThatThrownBy(() -> counter.add(-1)).isInstanceOf(KeeperException.Overflow.class);
    assertThat(counter.get()).isEqualTo(Long.MIN_VALUE);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "x",
        "1 ",
        "+1",
        "1.5",
        "12345678901234567890",
        "9223372036854775808",
        "\u0661",
        "1\n"
      })
  void dataThatAreNoNumberAreRefusedWithTheirPathAndLeftAsTheyAre(String data) {
    put("/counter/other", data);
    Counter counter = keeper.counter("/counter/other");
    assertThatThrownBy(counter::increment)
        .isInstanceOf(KeeperException.NotANumber.class)
        .hasMessageContaining("/counter/other");
    assertThatThrownBy(counter::get).isInstanceOf(KeeperException.NotANumber.class);
    assertThatThrownBy(() -> counter.compareAndSet(0, 1))
        .isInstanceOf(KeeperException.NotANumber.class);
    assertThat(data("/counter/other")).isEqualTo(data);
  }

  @Test
  void whatIsAddedInATransactionIsThereWhenThatCommitsAndNotIfItRollsBack() throws Exception {
    Counter counter = keeper.counter("/counter/transaction");
    counter.add(10);
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      assertThat(counter.in(connection).add(5)).isEqualTo(15);
      assertThat(counter.in(connection).get()).isEqualTo(15);
      assertThat(counter.get()).isEqualTo(10);
      connection.rollback();
      assertThat(counter.get()).isEqualTo(10);
      assertThat(keeper.counter("/counter/made").in(connection).increment()).isEqualTo(1);
      assertThat(counter.in(connection).compareAndSet(10, 20)).isTrue();
      assertThatThrownBy(() -> counter.in(connection).add(Long.MAX_VALUE))
          .isInstanceOf(KeeperException.Overflow.class);
      assertThat(counter.in(connection).increment()).as("it stays usable").isEqualTo(21);
      connection.commit();
    }
    assertThat(counter.get()).isEqualTo(21);
    assertThat(keeper.counter("/counter/made").get()).isEqualTo(1);
  }

  @Test
  void whoAddsWaitsForWhoAddedInATransaction() throws Exception {
    Counter counter = keeper.counter("/counter/waits");
    counter.add(1);
    CompletableFuture<Long> later;
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      counter.in(connection).add(10);
      later = onThread(counter::increment);
      Recipes.awaitLockWaiter(database);
      assertThat(later).isNotDone();
      connection.commit();
    }
    assertThat(later.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isEqualTo(12);
  }

  @Test
  void whoWatchesTheNodeHearsOfAdditionsOfAnotherClient() throws Exception {
    Counter counter = keeper.counter("/counter/watched");
    counter.increment();
    CountDownLatch heard = new CountDownLatch(1);
    keeper.tree().get("/counter/watched", event -> heard.countDown());
    other.counter("/counter/watched").increment();
    assertThat(heard.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void aPathThatIsNoneIsRefused() {
    assertThatThrownBy(() -> keeper.counter("no/slash").increment())
        .isInstanceOf(InvalidPathException.class);
    assertThatThrownBy(() -> keeper.tree().add("/a//b", 1))
        .isInstanceOf(InvalidPathException.class);
    assertThatThrownBy(() -> keeper.tree().add("/counter/none", 1))
        .isInstanceOf(KeeperException.NoNode.class)
        .hasMessageContaining("/counter/none");
  }
}
