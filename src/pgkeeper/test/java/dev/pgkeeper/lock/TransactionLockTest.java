package dev.pgkeeper.lock;

import static dev.pgkeeper.testing.Futures.onThread;
import static dev.pgkeeper.testing.Futures.soon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.InvalidPathException;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class TransactionLockTest {
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

  private static Connection transaction() throws SQLException {
    Connection connection = database.connect();
    connection.setAutoCommit(false);
    return connection;
  }

  @Test
  void itLastsUntilTheTransactionEndsHoweverItEnds() throws Exception {
    try (Connection first = transaction();
        Connection second = transaction()) {
      keeper.lockInTransaction(first, "/order/1");
      assertThat(keeper.tryLockInTransaction(first, "/order/1")).isTrue();
      assertThat(keeper.tryLockInTransaction(second, "/order/1")).isFalse();
      assertThat(keeper.tryLockInTransaction(second, "/order/2")).isTrue();
      first.commit();
      assertThat(keeper.tryLockInTransaction(second, "/order/1")).isTrue();
      assertThat(keeper.tryLockInTransaction(first, "/order/1")).isFalse();
      first.rollback();
      second.rollback();
      assertThat(keeper.tryLockInTransaction(first, "/order/1")).isTrue();
    }
  }

  @Test
  void whoWaitsGetsItWhenTheOtherTransactionEnds() throws Exception {
    try (Connection first = transaction();
        Connection second = transaction()) {
      keeper.lockInTransaction(first, "/order/wait");
      CompletableFuture<Boolean> waits =
          onThread(
              () -> {
                keeper.lockInTransaction(second, "/order/wait");
                return true;
              });
      Await.until(
          "somebody waits",
          () ->
              database.queryLong(
                      "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
                  > 0);
      assertThat(waits).isNotDone();
      first.commit();
      assertThat(soon(waits)).isTrue();
    }
  }

  @Test
  void nothingIsWritten() throws Exception {
    try (Connection connection = transaction();
        Statement statement = connection.createStatement()) {
      keeper.lockInTransaction(connection, "/order/nothing");
      assertThat(keeper.tryLockInTransaction(connection, "/order/nothing-2")).isTrue();
      try (var row = statement.executeQuery("SELECT pg_current_xact_id_if_assigned()")) {
        assertThat(row.next()).isTrue();
        assertThat(row.getString(1)).isNull();
      }
      assertThat(keeper.tree().exists("/order/nothing")).isEmpty();
    }
  }

  @Test
  void aConnectionThatCommitsByItselfIsRefusedBecauseTheLockWouldBeGoneAtOnce() throws Exception {
    try (Connection connection = database.connect()) {
      assertThatThrownBy(() -> keeper.lockInTransaction(connection, "/order/auto"))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("gone at once");
      assertThatThrownBy(() -> keeper.tryLockInTransaction(connection, "/order/auto"))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("gone at once");
    }
  }

  @Test
  void sqlTakesTheSameLock() throws Exception {
    try (Connection first = transaction();
        Connection second = transaction();
        Statement sql = first.createStatement()) {
      sql.execute("SELECT " + database.schema() + ".lock_in_transaction('/order/sql')");
      assertThat(keeper.tryLockInTransaction(second, "/order/sql")).isFalse();
      assertThatThrownBy(
              () -> sql.execute("SELECT " + database.schema() + ".lock_in_transaction(NULL)"))
          .isInstanceOf(SQLException.class)
          .hasMessageContaining("is no path");
    }
  }

  @Test
  void aPathIsSeenFromTheRootOfItsKeeper() throws Exception {
    try (Keeper below =
            Keeper.connect(database.dataSource(), database.keeperOptions().withChroot("/app"));
        Connection first = transaction();
        Connection second = transaction()) {
      below.lockInTransaction(first, "/x");
      assertThat(keeper.tryLockInTransaction(second, "/x")).isTrue();
      assertThat(keeper.tryLockInTransaction(second, "/app/x")).isFalse();
      assertThatThrownBy(() -> below.lockInTransaction(first, "x"))
          .isInstanceOf(InvalidPathException.class);
    }
  }
}
