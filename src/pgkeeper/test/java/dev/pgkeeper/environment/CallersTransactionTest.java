package dev.pgkeeper.environment;

import static dev.pgkeeper.testing.Futures.onThread;
import static dev.pgkeeper.testing.Futures.soon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Held;
import dev.pgkeeper.HoldState;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.job.RunResult;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the application does in transactions of its own, in the order in which one writes it. */
class CallersTransactionTest {
  private static TestDatabase database;
  private static Keeper keeper;
  private static Keeper other;

  /** Nothing here waits for as long as an operation may: that would be a stall. */
  @BeforeAll
  static void connect() {
    database = TestDatabase.fresh();
    keeper = patient();
    other = patient();
  }

  private static Keeper patient() {
    return Keeper.connect(
        database.dataSource(),
        database.keeperOptions().withOperationTimeout(Duration.ofMinutes(30)));
  }

  @AfterAll
  static void drop() {
    keeper.close();
    other.close();
    database.close();
  }

  private static Connection transaction() throws SQLException {
    Connection connection = database.connect();
    connection.setAutoCommit(false);
    return connection;
  }

  private static boolean isHeldInTheDatabase(String path) {
    return database.queryLong("SELECT count(*) FROM ${schema}.locks WHERE path = '" + path + "'")
        > 0;
  }

  @Test
  void aFenceThatWouldGuardNothingIsRefused() throws Exception {
    try (Connection connection = database.connect();
        Held held = keeper.lock("/autocommit").acquire()) {
      assertThatThrownBy(() -> held.fence(connection))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContainingAll("/autocommit", "guard nothing", "setAutoCommit(false)");
      keeper
          .jobs()
          .exclusively(
              "autocommit",
              Duration.ofHours(1),
              Duration.ZERO,
              run ->
                  assertThatThrownBy(() -> run.fence(connection))
                      .isInstanceOf(IllegalStateException.class)
                      .hasMessageContaining("guard nothing"));
    }
  }

  @Test
  void aMessageThatWouldBeGoneAtOnceIsNotTaken() throws Exception {
    MessageQueue<String> queue = keeper.queue("autocommit", Codec.text());
    queue.enqueue("stays");
    try (Connection connection = database.connect()) {
      assertThatThrownBy(() -> queue.take(connection))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContainingAll("autocommit", "gone at once");
    }
    assertThat(queue.size().ready()).isEqualTo(1);
  }

  /** try (Held held = …) { held.fence(connection); … } within one transaction. */
  @Test
  void aLockThatIsClosedInTheTransactionThatFencesItIsGivenBackWhenThatEnds() throws Exception {
    try (Connection connection = transaction()) {
      Held held = keeper.lock("/closed").acquire();
      held.fence(connection);
      soon(
          onThread(
              () -> {
                held.close(); // another thread cannot know that it would wait for itself
                return true;
              }));
      assertThat(held.state()).isEqualTo(HoldState.RELEASED);
      assertThat(isHeldInTheDatabase("/closed")).isTrue();
      assertThat(other.lock("/closed").tryAcquire()).isEmpty();
      connection.commit();
    }
    other.lock("/closed").acquire(Await.LIMIT).close();
    try (Connection connection = transaction()) {
      try (Held held = keeper.lock("/closed").acquire(Await.LIMIT)) {
        held.fence(connection);
      }
      assertThat(isHeldInTheDatabase("/closed")).isTrue();
      connection.rollback();
    }
    other.lock("/closed").acquire(Await.LIMIT).close();
  }

  @Test
  void aRunThatEndsInTheTransactionThatFencesItIsDoneWhenThatEnds() throws Exception {
    try (Connection connection = transaction()) {
      assertThat(
              keeper
                  .jobs()
                  .exclusively(
                      "fenced", Duration.ofHours(1), Duration.ZERO, run -> run.fence(connection)))
          .isEqualTo(RunResult.RAN);
      assertThat(other.jobs().exclusively("fenced", Duration.ofHours(1), Duration.ZERO, run -> {}))
          .isEqualTo(RunResult.RUNNING_ELSEWHERE);
      connection.commit();
    }
    Await.until(
        "the next one may run",
        () ->
            other.jobs().exclusively("fenced", Duration.ofHours(1), Duration.ZERO, run -> {})
                == RunResult.RAN);
  }

  /** The fence of inTransaction is the last that is done before the commit. */
  @Test
  void aSavepointThatTheWorkRollsBackToDoesNotUndoTheFenceOfItsTransaction() throws Exception {
    Held held = keeper.lock("/savepoint").acquire();
    database.execute("CREATE TABLE IF NOT EXISTS ${schema}.written (text text)");
    assertThatThrownBy(
            () ->
                held.inTransaction(
                    connection -> {
                      Savepoint before = connection.setSavepoint();
                      held.fence(connection);
                      try (Statement statement = connection.createStatement()) {
                        connection.rollback(before);
                        statement.execute(
                            "INSERT INTO " + database.schema() + ".written VALUES ('zombie')");
                      }
                      database.execute(
                          "SELECT ${schema}.line_free('/savepoint', " + held.token() + ")");
                    }))
        .isInstanceOf(KeeperException.NotHeld.class);
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.written")).isZero();
  }
}
