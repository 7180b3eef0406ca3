package dev.pgkeeper.lock;

import static dev.pgkeeper.testing.Futures.onThread;
import static dev.pgkeeper.testing.Futures.soon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import dev.pgkeeper.DataTooLargeException;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class FencedStoreTest {
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

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String text(FencedStore store, String key) {
    return new String(store.read(key).orElseThrow().data(), StandardCharsets.UTF_8);
  }

  @Test
  void aHolderThatLostItsLockCannotOverwriteWhatTheNextOneWrote() throws Exception {
    FencedStore store = keeper.fencedStore("orders");
    assertThat(store.read("A17")).isEmpty();
    Held late = keeper.lock("/fenced").acquire();
    store.write("A17", late.token(), bytes("one"));
    store.write("A17", late.token(), bytes("two"));
    assertThat(text(store, "A17")).isEqualTo("two");
    late.release();
    try (Held next = keeper.lock("/fenced").acquire()) {
      store.write("A17", next.token(), bytes("three"));
      assertThatThrownBy(() -> store.write("A17", late.token(), bytes("four")))
          .asInstanceOf(type(KeeperException.StaleToken.class))
          .satisfies(
              stale -> {
                assertThat(stale.token()).isEqualTo(late.token());
                assertThat(stale.greatest()).isEqualTo(next.token());
                assertThat(stale).hasMessageContaining("orders, A17");
              });
      assertThat(text(store, "A17")).isEqualTo("three");
      assertThat(store.read("A17").orElseThrow().token()).isEqualTo(next.token());
      assertThat(store.read("A17").orElseThrow().toString()).startsWith("5 bytes");
      // Another key, and the same key of another store, have tokens of their own.
      store.write("A18", late.token(), bytes("five"));
      keeper.fencedStore("bills").write("A17", late.token(), bytes("six"));
      assertThat(text(store, "A17")).isEqualTo("three");
    }
  }

  @Test
  void inTheCallersTransactionItEndsWithIt() throws Exception {
    FencedStore store = keeper.fencedStore("transaction");
    store.write("key", 5, bytes("before"));
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      store.write(connection, "key", 7, bytes("after"));
      assertThat(store.read(connection, "key").orElseThrow().token()).isEqualTo(7);
      assertThat(store.read("key").orElseThrow().token()).isEqualTo(5);
      connection.rollback();
      assertThat(text(store, "key")).isEqualTo("before");
      // Refused, and still usable.
      assertThatThrownBy(() -> store.write(connection, "key", 4, bytes("late")))
          .isInstanceOf(KeeperException.StaleToken.class);
      store.write(connection, "key", 6, bytes("after"));
      connection.commit();
    }
    assertThat(text(store, "key")).isEqualTo("after");
  }

  @Test
  void aWriteThatWaitedForAGreaterTokenIsRefused() throws Exception {
    FencedStore store = keeper.fencedStore("crossing");
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      store.write(connection, "key", 9, bytes("greater"));
      CompletableFuture<Void> waits =
          onThread(
              () -> {
                store.write("key", 8, bytes("smaller"));
                return null;
              });
      Await.until(
          "somebody waits",
          () -> database.queryLong("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0);
      connection.commit();
      assertThatThrownBy(() -> soon(waits)).isInstanceOf(KeeperException.StaleToken.class);
    }
    assertThat(text(store, "key")).isEqualTo("greater");
  }

  @Test
  void whatCannotBeAKeyOrIsTooLargeIsRefused() {
    FencedStore store = keeper.fencedStore("limits");
    assertThatThrownBy(() -> keeper.fencedStore("")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> store.write("", 1, bytes("x")))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> store.read("x".repeat(1001)))
        .isInstanceOf(IllegalArgumentException.class);
    byte[] large = new byte[keeper.options().maxDataBytes() + 1];
    assertThatThrownBy(() -> store.write("key", 1, large))
        .isInstanceOf(DataTooLargeException.class);
    String longest = "ä".repeat(500);
    keeper.fencedStore(longest).write(longest, 1, bytes("long"));
    assertThat(text(keeper.fencedStore(longest), longest)).isEqualTo("long");
  }

  @Test
  void aClosedKeeperIsNotUsed() {
    Keeper closed = database.keeper();
    FencedStore store = closed.fencedStore("closed");
    closed.close();
    assertThatThrownBy(() -> store.write("key", 1, bytes("x")))
        .isInstanceOf(IllegalStateException.class);
  }
}
