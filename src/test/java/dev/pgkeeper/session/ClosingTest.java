package dev.pgkeeper.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a client leaves behind when it is closed. */
class ClosingTest {
  private static final String ANOTHERS_STATEMENTS =
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
          + " AND pid <> pg_backend_pid() AND state = 'active'";

  private TestDatabase database;

  @BeforeEach
  void open() {
    database = TestDatabase.fresh();
  }

  @AfterEach
  void close() {
    database.close();
  }

  /** Whoever closes its pool, or drops the schema, comes in nobody's way then. */
  @Test
  void nothingOfAClosedClientIsUnderWay() {
    database.execute(
        "CREATE OR REPLACE FUNCTION ${schema}.reap_holds(in_most integer) RETURNS integer"
            + " LANGUAGE sql AS $$ SELECT 0 FROM pg_sleep(0.3) $$");
    Keeper keeper = database.keeper();
    Await.until("it reaps", () -> database.queryLong(ANOTHERS_STATEMENTS + reaping()) > 0);
    keeper.close();
    assertThat(database.queryLong(ANOTHERS_STATEMENTS)).isZero();
  }

  private static String reaping() {
    return " AND query LIKE '%.reap(%' AND wait_event = 'PgSleep'";
  }

  @Test
  void aTransactionThatHoldsOnToTheSessionDoesNotKeepAClientFromClosing() throws Exception {
    KeeperOptions options = database.keeperOptions().withOperationTimeout(Duration.ofMinutes(5));
    Keeper keeper = Keeper.connect(database.dataSource(), options);
    try (Connection connection = database.connect();
        PreparedStatement joining =
            connection.prepareStatement("SELECT " + database.schema() + ".session_joined(?)")) {
      connection.setAutoCommit(false);
      joining.setLong(1, keeper.sessionId());
      joining.execute();
      long began = System.nanoTime();
      keeper.close();
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Await.LIMIT);
      assertThat(keeper.state()).isEqualTo(SessionState.CLOSED);
      connection.rollback();
    }
    Await.until(
        "others end what it left",
        () -> {
          database.execute("CALL ${schema}.reap(100, NULL, NULL, NULL)");
          return database.queryLong("SELECT count(*) FROM ${schema}.session") == 0;
        });
  }
}
