package dev.pgkeeper.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
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

  /** An application may close its pool, or drop the schema, right after its client. */
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
}
