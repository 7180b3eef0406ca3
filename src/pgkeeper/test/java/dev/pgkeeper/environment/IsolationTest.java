package dev.pgkeeper.environment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Codec;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.TreeOperations;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Transactions that go on seeing what was true when they began. What is decided by a second look is
 * refused in them, and pgkeeper's own are never such.
 */
class IsolationTest {
  private static final byte[] NOTHING = {};

  private TestDatabase database;
  private Keeper keeper;

  @BeforeEach
  void open() {
    database = TestDatabase.fresh();
    keeper = database.keeper();
  }

  @AfterEach
  void close() {
    keeper.close();
    database.close();
  }

  /** A transaction that has begun to look. */
  private Connection transaction(int isolation) throws SQLException {
    Connection connection = database.connect();
    connection.setAutoCommit(false);
    connection.setTransactionIsolation(isolation);
    execute(connection, "SELECT count(*) FROM ${schema}.node");
    return connection;
  }

  private void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql.replace("${schema}", database.schema()));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {Connection.TRANSACTION_REPEATABLE_READ, Connection.TRANSACTION_SERIALIZABLE})
  void aNodeIsNotDeletedUnderAChildThatItsTransactionCannotSee(int isolation) throws Exception {
    keeper.tree().create("/parent", NOTHING);
    try (Connection dated = transaction(isolation)) {
      keeper.tree().create("/parent/child", NOTHING);
      assertThatThrownBy(() -> keeper.tree(dated).delete("/parent"))
          .isInstanceOf(KeeperException.WrongIsolation.class)
          .hasMessageContaining(
              isolation == Connection.TRANSACTION_SERIALIZABLE ? "SERIALIZABLE" : "REPEATABLE READ")
          .hasMessageContaining("READ COMMITTED");
      dated.rollback();
    }
    assertThat(keeper.tree().children("/parent")).containsExactly("child");
  }

  @Test
  void nothingIsOwnedByASessionWhoseEndItsTransactionCannotSee() throws Exception {
    Keeper ended = database.keeper();
    try (Connection dated = transaction(Connection.TRANSACTION_REPEATABLE_READ)) {
      long session = ended.session().id();
      ended.close();
      assertThatThrownBy(
              () ->
                  execute(
                      dated,
                      "SELECT ${schema}.create('/left', '', 'ephemeral', false, " + session + ")"))
          .isInstanceOf(SQLException.class)
          .hasMessageContaining("REPEATABLE READ");
      dated.rollback();
    }
    assertThat(keeper.tree().exists("/left")).isEmpty();
  }

  @Test
  void aLockWhoseHoldersWorkCouldNotBeSeenIsNotTaken() throws Exception {
    try (Connection dated = transaction(Connection.TRANSACTION_REPEATABLE_READ)) {
      assertThatThrownBy(() -> keeper.lockInTransaction(dated, "/orders"))
          .isInstanceOf(KeeperException.WrongIsolation.class);
    }
  }

  /** An outbox in a SERIALIZABLE transaction, for one. */
  @Test
  void whatNeedsNoSecondLookIsDoneInAnyTransaction() throws Exception {
    MessageQueue<String> queue = keeper.queue("orders", Codec.text());
    queue.enqueue("before");
    keeper.tree().create("/value", "1".getBytes(StandardCharsets.UTF_8));
    keeper.tree().create("/number", "1".getBytes(StandardCharsets.UTF_8));
    try (Held held = keeper.lock("/lock").acquire();
        Connection dated = transaction(Connection.TRANSACTION_SERIALIZABLE)) {
      TreeOperations tree = keeper.tree(dated);
      held.fence(dated);
      queue.enqueue(dated, "inside");
      keeper.topic("news", Codec.text()).publish(dated, "heard by nobody");
      tree.set("/value", "2".getBytes(StandardCharsets.UTF_8));
      assertThat(tree.add("/number", 1)).isEqualTo(2);
      assertThat(tree.children("/")).contains("value");
      keeper.fencedStore("files").write(dated, "key", held.token(), NOTHING);
      dated.commit();
    }
    assertThat(queue.take().orElseThrow().body()).isEqualTo("before");
    assertThat(queue.take().orElseThrow().body()).isEqualTo("inside");
  }

  /** Somebody changes what new connections have, or what one of the pool has. */
  @Test
  void aLevelThatIsChangedLaterDoesNotMatter() throws Exception {
    try (AutoCloseable role = () -> Environment.remove(database);
        HikariDataSource pool = Environment.PLAIN.pool(database);
        Keeper own = Keeper.connect(pool, database.keeperOptions())) {
      pool.setMaximumPoolSize(1);
      own.tree().create("/changes", NOTHING);
      try (Connection connection = pool.getConnection()) {
        execute(
            connection,
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ");
      }
      own.tree().create("/changes/a", NOTHING);
      own.lock("/changes/lock").acquire().close();
      database.execute(
          "ALTER ROLE " + pool.getUsername() + " SET default_transaction_isolation = serializable");
      pool.getHikariPoolMXBean().softEvictConnections();
      own.tree().create("/changes/b-", NOTHING, CreateMode.EPHEMERAL_SEQUENTIAL);
      own.tree().create(NewNode.at("/changes/c/d").withParents());
      own.lock("/changes/lock").acquire().inTransaction(connection -> {});
      assertThat(own.tree().deleteRecursive("/changes")).isPositive();
    }
  }
}
