package dev.pgkeeper.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.scenario.GrantLog.Contest;
import dev.pgkeeper.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the log says of holders in a line's row that are replaced. */
class GrantLogTest {
  private static final String HELD_BY =
      "UPDATE ${schema}.gathering SET holder = %d, token = %d WHERE path = '/line'";
  private static final long FIRST = 1_000;
  private static final long SECOND = 2_000;

  private TestDatabase database;
  private GrantLog log;

  @BeforeEach
  void begin() {
    database = TestDatabase.fresh();
    log = GrantLog.of(database);
    database.execute("SELECT ${schema}.create('/line'); SELECT ${schema}.create('/line/child')");
  }

  @AfterEach
  void drop() {
    database.close();
  }

  private Contest contestOfTheFirst(long session) {
    database.execute(HELD_BY.formatted(session, FIRST));
    database.execute(HELD_BY.formatted(openSession(), SECOND));
    return log.contests().get(0);
  }

  private long openSession() {
    return database.queryLong(
        "SELECT ${schema}.session_open(60000, 60000, false, 'client', 'here', 1)");
  }

  @Test
  void whoGotTheTurnAfterItsSessionHadEndedIsNoted() {
    assertThat(contestOfTheFirst(77).gone()).isPositive();
  }

  @Test
  void whoIsReplacedWhileItsSessionIsThereIsNotNotedAsGone() {
    assertThat(contestOfTheFirst(openSession()).gone()).isZero();
  }
}
