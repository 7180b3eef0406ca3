package dev.pgkeeper.environment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.jdbc.datasource.DataSourceUtils;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.transaction.support.TransactionTemplate;

/** Transactions that Spring has begun on connections of the same data source. */
class SpringTransactionTest {
  private static final byte[] NOTHING = {};

  private TestDatabase database;
  private DataSource pool;
  private TransactionTemplate transactions;
  private JdbcTemplate jdbc;

  @BeforeEach
  void open() {
    database = TestDatabase.fresh();
    pool = database.dataSource();
    transactions = new TransactionTemplate(new DataSourceTransactionManager(pool));
    jdbc = new JdbcTemplate(pool);
    jdbc.execute("CREATE TABLE orders (id text)");
  }

  @AfterEach
  void close() {
    database.close();
  }

  /** It would hand out the transaction's connection, and pgkeeper would commit on it. */
  @Test
  void aTransactionThatSpringHasBegunIsNeverCommittedByPgkeeper() {
    DataSource bound = new TransactionAwareDataSourceProxy(pool);
    try (Keeper keeper = Keeper.connect(bound, database.keeperOptions())) {
      keeper.tree().create("/outside", NOTHING);
      transactions.executeWithoutResult(
          status -> {
            jdbc.update("INSERT INTO orders VALUES ('O001')");
            assertThatThrownBy(() -> keeper.tree().create("/inside", NOTHING))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContainingAll("transaction", "TransactionAwareDataSourceProxy");
            status.setRollbackOnly();
          });
      assertThat(jdbc.queryForObject("SELECT count(*) FROM orders", Long.class)).isZero();
      assertThat(keeper.tree().exists("/inside")).isEmpty();
      transactions.executeWithoutResult(
          status -> {
            jdbc.update("INSERT INTO orders VALUES ('O002')");
            Connection connection = DataSourceUtils.getConnection(bound);
            try {
              keeper.tree(connection).create("/inside", NOTHING);
            } finally {
              DataSourceUtils.releaseConnection(connection, bound);
            }
          });
      assertThat(keeper.tree().exists("/inside")).isPresent();
    }
  }

  @Test
  void aLockThatIsClosedInAMethodOfATransactionIsGivenBackAfterItsCommit() throws Exception {
    try (Keeper keeper = Keeper.connect(pool, database.keeperOptions());
        Keeper other = database.keeper()) {
      transactions.executeWithoutResult(
          status -> {
            try (Held held = keeper.lock("/orders/O001").acquire()) {
              held.fence(DataSourceUtils.getConnection(pool));
              jdbc.update("INSERT INTO orders VALUES ('O001')");
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
            assertThat(other.lock("/orders/O001").tryAcquire()).isEmpty();
          });
      other.lock("/orders/O001").acquire(Await.LIMIT).close();
    }
  }
}
