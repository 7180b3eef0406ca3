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
import dev.pgkeeper.line.Contender;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.TestDatabase;
import java.lang.ref.WeakReference;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class MutexTest {
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

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static void insert(Connection connection, String what) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("INSERT INTO " + database.schema() + ".done VALUES ('" + what + "')");
    }
  }

  private static long done(String what) {
    return database.queryLong("SELECT count(*) FROM ${schema}.done WHERE what = '" + what + "'");
  }

  @Test
  void aReleaseWakesTheNextOneWithAGreaterToken() throws Exception {
    Held held = keeper.lock("/mutex/wakes").acquire();
    assertThat(other.lock("/mutex/wakes").tryAcquire()).isEmpty();
    CompletableFuture<Held> waits = other.lock("/mutex/wakes").acquireAsync();
    awaitRowsBelow(database, "/mutex/wakes", 2);
    assertThat(waits).isNotDone();
    held.release();
    Held next = soon(waits);
    assertThat(next.isHeld()).isTrue();
    assertThat(next.token()).isGreaterThan(held.token());
    assertThatThrownBy(held::ensureHeld).isInstanceOf(KeeperException.NotHeld.class);
    next.release();
    try (Held again = keeper.lock("/mutex/wakes").acquire(Await.LIMIT)) {
      assertThat(again.token()).isGreaterThan(next.token());
    }
  }

  @Test
  void whatIsReleasedIsReleasedOnce() throws Exception {
    Held held = keeper.lock("/mutex/once").acquire();
    held.release();
    try (Held next = other.lock("/mutex/once").acquire(Await.LIMIT)) {
      assertThatThrownBy(held::release)
          .isInstanceOf(KeeperException.NotHeld.class)
          .hasMessageContaining("released before");
      held.close();
      assertThat(held.state()).isEqualTo(HoldState.RELEASED);
      assertThat(next.isHeld()).isTrue();
      assertThat(keeper.lock("/mutex/once").tryAcquire()).isEmpty();
    }
  }

  @Test
  void atOnceOrNotAtAll() throws Exception {
    Held held = keeper.lock("/mutex/try").tryAcquire().orElseThrow();
    assertThat(keeper.lock("/mutex/try").tryAcquire()).isEmpty();
    assertThat(other.lock("/mutex/try").withData(bytes("Ada")).tryAcquire()).isEmpty();
    assertThat(rowsBelow(database, "/mutex/try")).isEqualTo(1);
    held.release();
    other.lock("/mutex/try").withData(bytes("Ada")).tryAcquire().orElseThrow().release();
    assertThat(rowsBelow(database, "/mutex/try")).isZero();
  }

  @Test
  void whoRunsOutOfPatienceLeavesNothingAndIsToldWhoHoldsIt() throws Exception {
    try (Held held = keeper.lock("/mutex/patience").acquire()) {
      Mutex there = other.lock("/mutex/patience");
      assertThat(there.tryAcquire(Duration.ofMillis(20))).isEmpty();
      assertThat(there.tryAcquire(Duration.ZERO)).isEmpty();
      assertThatThrownBy(() -> there.acquire(Duration.ofMillis(20)))
          .isInstanceOf(KeeperException.Busy.class)
          .hasMessageContaining("session " + keeper.session().id());
      assertThatThrownBy(() -> there.tryAcquire(Duration.ofMillis(-1)))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> there.acquire(Duration.ofMillis(-1)))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(rowsBelow(database, "/mutex/patience")).isEqualTo(1);
      assertThat(held.isHeld()).isTrue();
    }
    other.lock("/mutex/patience").acquire(Await.LIMIT).release();
  }

  @Test
  void whoIsInterruptedLeavesNothing() throws Exception {
    try (Held held = keeper.lock("/mutex/interrupted").acquire()) {
      CompletableFuture<Thread> thread = new CompletableFuture<>();
      CompletableFuture<Held> waits =
          onThread(
              () -> {
                thread.complete(Thread.currentThread());
                return other.lock("/mutex/interrupted").acquire();
              });
      awaitRowsBelow(database, "/mutex/interrupted", 2);
      soon(thread).interrupt();
      assertThatThrownBy(() -> soon(waits)).isInstanceOf(InterruptedException.class);
      assertThat(rowsBelow(database, "/mutex/interrupted")).isEqualTo(1);
      assertThat(held.isHeld()).isTrue();
    }
  }

  @Test
  void aCancelledFutureLeavesNothing() throws Exception {
    try (Held held = keeper.lock("/mutex/cancelled").acquire()) {
      CompletableFuture<Held> waits = other.lock("/mutex/cancelled").acquireAsync();
      awaitRowsBelow(database, "/mutex/cancelled", 2);
      waits.cancel(false);
      awaitRowsBelow(database, "/mutex/cancelled", 1);
      assertThat(held.isHeld()).isTrue();
    }
    other.lock("/mutex/cancelled").acquire(Await.LIMIT).release();
  }

  @Test
  void thoseWhoWaitAreServedInTheOrderInWhichTheyCame() throws Exception {
    Mutex mutex = keeper.lock("/mutex/order");
    Held held = mutex.acquire();
    List<CompletableFuture<Held>> waits = new ArrayList<>();
    Heard<Integer> served = new Heard<>();
    for (int i = 0; i < 5; i++) {
      int number = i;
      CompletableFuture<Held> next =
          (i % 2 == 0 ? other : keeper).lock("/mutex/order").acquireAsync();
      waits.add(
          next.thenApply(
              got -> {
                served.add(number);
                return got;
              }));
      awaitRowsBelow(database, "/mutex/order", i + 2);
    }
    long token = held.token();
    held.release();
    for (CompletableFuture<Held> next : waits) {
      Held got = soon(next);
      assertThat(got.token()).isGreaterThan(token);
      token = got.token();
      got.release();
    }
    assertThat(served.all()).containsExactly(0, 1, 2, 3, 4);
  }

  @Test
  void everybodySeesWhoHoldsAndWhoWaitsAndSinceWhen() throws Exception {
    Instant before = Instant.parse(database.queryString("SELECT to_json(now()) #>> '{}'"));
    Mutex mutex = keeper.lock("/mutex/seen");
    assertThat(mutex.holder()).isEmpty();
    try (Held held = mutex.withData(bytes("Ada")).acquire()) {
      CompletableFuture<Held> waits =
          other.lock("/mutex/seen").withData(bytes("Grace")).acquireAsync();
      awaitRowsBelow(database, "/mutex/seen", 2);
      Contender holder = other.lock("/mutex/seen").holder().orElseThrow();
      assertThat(holder.token()).isEqualTo(held.token());
      assertThat(holder.session()).isEqualTo(keeper.session().id());
      assertThat(holder.client()).isEqualTo(keeper.options().clientName());
      assertThat(holder.pid()).isEqualTo(ProcessHandle.current().pid());
      assertThat(holder.data()).asString().isEqualTo("Ada");
      assertThat(holder.what()).isEqualTo("lock");
      assertThat(holder.since()).isAfter(before);
      assertThat(mutex.waiters())
          .singleElement()
          .satisfies(
              waiter -> {
                assertThat(waiter.session()).isEqualTo(other.session().id());
                assertThat(waiter.data()).asString().isEqualTo("Grace");
                assertThat(waiter.since()).isAfterOrEqualTo(holder.since());
                assertThat(waiter.holds()).isFalse();
              });
      waits.cancel(false);
      awaitRowsBelow(database, "/mutex/seen", 1);
    }
    try (Held held = mutex.acquire(Await.LIMIT)) {
      assertThat(mutex.holder().orElseThrow().token()).isEqualTo(held.token());
      assertThat(mutex.holder().orElseThrow().since()).isAfter(before);
    }
  }

  @Test
  void aRequestToGiveBackReachesTheHolderHoweverItGotTheLock() throws Exception {
    Mutex mutex = keeper.lock("/mutex/revoked");
    assertThat(mutex.revoke()).isFalse();
    for (Mutex way : List.of(mutex, mutex.withData(bytes("Ada")))) {
      try (Held held = way.acquire(Await.LIMIT)) {
        CompletableFuture<String> asked = new CompletableFuture<>();
        held.onRevocation(() -> asked.complete("asked"));
        assertThat(other.lock("/mutex/revoked").revoke()).isTrue();
        assertThat(soon(asked)).isEqualTo("asked");
        CompletableFuture<String> late = new CompletableFuture<>();
        held.onRevocation(() -> late.complete("asked before"));
        assertThat(soon(late)).isEqualTo("asked before");
        assertThat(held.isHeld()).isTrue();
      }
    }
  }

  @Test
  void aRequestToGiveBackReachesWhoHasTheLockAfterWaiting() throws Exception {
    Mutex mutex = keeper.lock("/mutex/revoked-later");
    Held first = mutex.acquire();
    CompletableFuture<Held> next = other.lock("/mutex/revoked-later").acquireAsync();
    awaitRowsBelow(database, "/mutex/revoked-later", 2);
    assertThat(mutex.revoke()).isTrue();
    first.release();
    Held held = soon(next);
    CompletableFuture<String> asked = new CompletableFuture<>();
    held.onRevocation(() -> asked.complete("asked"));
    assertThat(revoked("/mutex/revoked-later")).as("that was for the one before").isFalse();
    assertThat(mutex.revoke()).isTrue();
    assertThat(soon(asked)).isEqualTo("asked");
    held.release();
  }

  private static boolean revoked(String path) {
    return database
        .queryString("SELECT revoked FROM ${schema}.locks WHERE path = '" + path + "'")
        .equals("t");
  }

  @Test
  void whoWasNotRungFindsItsTurnAtItsSweep() throws Exception {
    try (Keeper sweeps =
        Keeper.connect(
            database.dataSource(), database.keeperOptions().withSweep(Duration.ofMillis(100)))) {
      Held first = keeper.lock("/mutex/unrung").acquire();
      CompletableFuture<Held> next = sweeps.lock("/mutex/unrung").acquireAsync();
      awaitRowsBelow(database, "/mutex/unrung", 2);
      database.execute(
          "UPDATE ${schema}.gathering SET holder = waiting[1][2], token = waiting[1][1], waiting = '{}'"
              + " WHERE path = '/mutex/unrung'");
      Held held = soon(next);
      assertThat(held.token()).isGreaterThan(first.token());
      held.release();
      first.close();
    }
  }

  @Test
  void whoIsRungByAnybodyElseDoesNotHold() throws Exception {
    Held first = keeper.lock("/mutex/forged").acquire();
    CompletableFuture<Held> next = other.lock("/mutex/forged").acquireAsync();
    awaitRowsBelow(database, "/mutex/forged", 2);
    database.execute(
        "SELECT ${schema}._ring_place(waiting[1][2], path, waiting[1][1], waiting[1][3] + 1)"
            + " FROM ${schema}.gathering WHERE path = '/mutex/forged'");
    other.tree().sync();
    assertThat(next).isNotDone();
    first.release();
    soon(next).release();
  }

  @Test
  void severalOfOneClientWaitForEachOther() throws Exception {
    Mutex mutex = keeper.lock("/mutex/own");
    Held first = mutex.acquire();
    List<CompletableFuture<Held>> behind = new ArrayList<>();
    for (int i = 2; i <= 4; i++) {
      behind.add(mutex.acquireAsync());
      awaitRowsBelow(database, "/mutex/own", i);
    }
    behind.get(1).cancel(true);
    awaitRowsBelow(database, "/mutex/own", 3);
    first.release();
    Held second = soon(behind.get(0));
    assertThat(behind.get(2)).isNotDone();
    second.release();
    soon(behind.get(2)).release();
    assertThat(rowsBelow(database, "/mutex/own")).isZero();
  }

  @Test
  void aHoldWithALimitEndsInTheDatabaseWhileItsClientGoesOn() throws Exception {
    Held held = keeper.lock("/mutex/limit").atMost(Duration.ofSeconds(2)).acquire();
    CompletableFuture<String> lost = new CompletableFuture<>();
    held.onLost(() -> lost.complete("lost"));
    try (Held next = other.lock("/mutex/limit").acquire(Await.LIMIT)) {
      assertThat(held.isHeld()).isFalse();
      assertThat(soon(lost)).isEqualTo("lost");
      assertThat(next.token()).isGreaterThan(held.token());
      assertThatThrownBy(() -> held.inTransaction(connection -> insert(connection, "limit")))
          .isInstanceOf(KeeperException.NotHeld.class);
      try (Connection connection = database.connect()) {
        connection.setAutoCommit(false);
        insert(connection, "limit");
        assertThatThrownBy(() -> held.fence(connection))
            .isInstanceOf(KeeperException.NotHeld.class);
        assertThatThrownBy(() -> insert(connection, "limit")).isInstanceOf(SQLException.class);
        connection.rollback();
      }
    }
    assertThat(done("limit")).isZero();
  }

  @Test
  void lookingAfterAHoldDoesNotMakeItsLimitLonger() throws Exception {
    try (Keeper sweeps =
            Keeper.connect(
                database.dataSource(),
                database
                    .keeperOptions()
                    .withGrace(Duration.ofSeconds(20))
                    .withSweep(Duration.ofMillis(100)));
        Held held = sweeps.lock("/mutex/swept").atMost(Duration.ofMinutes(1)).acquire()) {
      Await.pause(Duration.ofMillis(1100));
      assertThat(held.remaining()).isLessThanOrEqualTo(Duration.ofMillis(58_900));
    }
  }

  @Test
  void aReleasedHoldIsForgottenLongBeforeItsLimit() throws Exception {
    WeakReference<Held> released = released(keeper.lock("/mutex/forgotten"));
    Await.until(
        "it is forgotten",
        () -> {
          System.gc();
          return released.get() == null;
        });
  }

  private static WeakReference<Held> released(Mutex mutex) throws InterruptedException {
    Held held = mutex.atMost(Duration.ofDays(1)).acquire();
    held.release();
    return new WeakReference<>(held);
  }

  @Test
  void whatAnAdministratorTakesAwayIsLostAndTheNextOneHasIt() throws Exception {
    Held held = keeper.lock("/mutex/taken").withData(bytes("Ada")).acquire();
    Heard<HoldState> states = new Heard<>();
    held.onStateChange(states::add);
    CompletableFuture<Held> next = other.lock("/mutex/taken").acquireAsync();
    awaitRowsBelow(database, "/mutex/taken", 2);
    other.tree().deleteRecursive(held.node());
    Held got = soon(next);
    assertThat(got.token()).isGreaterThan(held.token());
    states.await(HoldState.LOST);
    assertThat(states.all()).containsExactly(HoldState.LOST);
    assertThatThrownBy(held::release).isInstanceOf(KeeperException.NotHeld.class);
    held.close();
    assertThat(got.isHeld()).isTrue();
    got.release();
    assertThat(rowsBelow(database, "/mutex/taken")).isZero();
  }

  @Test
  void aLineThatIsDeletedTakesTheLockFromItsHolderAndEverybodyWhoWaits() throws Exception {
    for (Mutex way :
        List.of(
            keeper.lock("/mutex/deleted"), keeper.lock("/mutex/deleted").withData(bytes("Ada")))) {
      Await.until("whoever waits loses its place", () -> loseByDeletion(way));
    }
    other.lock("/mutex/deleted").acquire(Await.LIMIT).release();
  }

  /** False: who was to wait had not made its place durable yet, and joined once more. */
  private static boolean loseByDeletion(Mutex way) {
    try {
      Held held = way.acquire(Await.LIMIT);
      CompletableFuture<String> lost = new CompletableFuture<>();
      held.onLost(() -> lost.complete("lost"));
      CompletableFuture<Held> waits = other.lock("/mutex/deleted").acquireAsync();
      awaitRowsBelow(database, "/mutex/deleted", 2);
      other.tree().deleteRecursive("/mutex/deleted");
      assertThat(soon(lost)).isEqualTo("lost");
      assertThat(held.isHeld()).isFalse();
      soon(waits).close();
      return false;
    } catch (KeeperException.NotHeld e) {
      return true;
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aFencedTransactionCommitsWhileTheLockIsHeldAndNotAfterIt() throws Exception {
    for (Mutex way :
        List.of(keeper.lock("/mutex/fence"), keeper.lock("/mutex/fence").withData(bytes("Ada")))) {
      long before = done("fence");
      Held held = way.acquire(Await.LIMIT);
      held.inTransaction(connection -> insert(connection, "fence"));
      assertThat(done("fence")).isEqualTo(before + 1);
      assertThatThrownBy(
              () ->
                  held.inTransaction(
                      connection -> {
                        insert(connection, "fence");
                        throw new IllegalStateException("changed its mind");
                      }))
          .hasMessage("changed its mind");
      assertThatThrownBy(
              () ->
                  held.inTransaction(
                      connection -> {
                        insert(connection, "fence");
                        held.release();
                      }))
          .isInstanceOf(KeeperException.NotHeld.class);
      assertThat(done("fence")).isEqualTo(before + 1);
    }
  }

  @Test
  void whoWaitsForALockIsKeptWaitingByTheTransactionThatItFences() throws Exception {
    for (Mutex way :
        List.of(
            keeper.lock("/mutex/fenced"), keeper.lock("/mutex/fenced").withData(bytes("Ada")))) {
      Held held = way.acquire(Await.LIMIT);
      CompletableFuture<Held> next = other.lock("/mutex/fenced").acquireAsync();
      awaitRowsBelow(database, "/mutex/fenced", 2);
      try (Connection connection = database.connect()) {
        connection.setAutoCommit(false);
        held.fence(connection);
        CompletableFuture<Void> releases =
            onThread(
                () -> {
                  held.release();
                  return null;
                });
        Await.until(
            "the release waits",
            () -> database.queryLong("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0);
        assertThat(held.isHeld()).isFalse();
        assertThat(next).isNotDone();
        connection.commit();
        soon(releases);
      }
      soon(next).release();
    }
  }

  @Test
  void aKeeperThatWasClosedAcquiresNothing() {
    Keeper closed = database.keeper();
    Mutex mutex = closed.lock("/mutex/closed");
    closed.close();
    assertThatThrownBy(mutex::acquire).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(mutex::tryAcquire).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> soon(mutex.acquireAsync())).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(mutex::holder).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> closed.lock("/mutex/closed"))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void whoWaitsWhenItsKeeperIsClosedIsToldSo() throws Exception {
    try (Held held = keeper.lock("/mutex/closing").acquire()) {
      Keeper closes = database.keeper();
      CompletableFuture<Held> async = closes.lock("/mutex/closing").acquireAsync();
      CompletableFuture<Held> onThread = onThread(() -> closes.lock("/mutex/closing").acquire());
      awaitRowsBelow(database, "/mutex/closing", 3);
      closes.close();
      assertThatThrownBy(() -> soon(async)).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> soon(onThread)).isInstanceOf(IllegalStateException.class);
      assertThat(rowsBelow(database, "/mutex/closing")).isEqualTo(1);
      assertThat(held.isHeld()).isTrue();
    }
  }

  @Test
  void whatIsHeldGoesToTheNextOneWhenItsSessionEnds() throws Exception {
    for (boolean quick : new boolean[] {true, false}) {
      Keeper ends = database.keeper();
      Mutex mutex = ends.lock("/mutex/session");
      Held held = (quick ? mutex : mutex.withData(bytes("Ada"))).acquire(Await.LIMIT);
      CompletableFuture<Held> next = other.lock("/mutex/session").acquireAsync();
      awaitRowsBelow(database, "/mutex/session", 2);
      ends.close();
      Held got = soon(next);
      assertThat(held.isHeld()).isFalse();
      assertThat(got.token()).isGreaterThan(held.token());
      got.release();
    }
  }

  @Test
  void aPathThatIsSomethingElseIsRefusedAndNamed() throws Exception {
    keeper.tree().create("/plain", bytes("data"));
    assertThatThrownBy(() -> keeper.lock("/plain").acquire())
        .isInstanceOf(KeeperException.WrongRecipe.class)
        .hasMessageContaining("a plain node (persistent)");
    keeper.semaphore("/mutex/semaphore", 3).acquire().release();
    assertThatThrownBy(() -> keeper.lock("/mutex/semaphore").tryAcquire())
        .isInstanceOf(KeeperException.WrongRecipe.class)
        .hasMessageContaining("semaphore of 3");
    assertThatThrownBy(() -> soon(keeper.lock("/plain").acquireAsync()))
        .isInstanceOf(KeeperException.WrongRecipe.class);
    assertThatThrownBy(() -> keeper.lock("/")).isInstanceOf(IllegalArgumentException.class);
    assertThat(rowsBelow(database, "/plain")).isZero();
  }

  @Test
  void aLimitIsMoreThanNothing() {
    for (Duration limit : List.of(Duration.ZERO, Duration.ofMillis(-5), Duration.ofNanos(1))) {
      assertThatThrownBy(() -> keeper.lock("/mutex/negative").atMost(limit))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("1 millisecond");
    }
  }

  @Test
  void aThousandWaitWithoutAThousandThreads() throws Exception {
    Held held = keeper.lock("/mutex/crowd").acquire();
    int before = Thread.activeCount();
    List<CompletableFuture<Held>> waits =
        Stream.generate(() -> other.lock("/mutex/crowd").acquireAsync()).limit(1000).toList();
    awaitRowsBelow(database, "/mutex/crowd", 1001);
    assertThat(Thread.activeCount() - before).isLessThan(50);
    CompletableFuture<Void> all =
        CompletableFuture.allOf(
            waits.stream()
                .map(next -> next.thenAccept(Held::release))
                .toArray(CompletableFuture[]::new));
    held.release();
    soon(all);
    assertThat(rowsBelow(database, "/mutex/crowd")).isZero();
  }
}
