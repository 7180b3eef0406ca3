package dev.pgkeeper.internal.jdbc;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A server that does not answer what the client asks on the connection of its own. */
class OwnConnectionTest {
  private static final Duration GRACE = Duration.ofSeconds(2);

  private TestDatabase database;
  private OwnConnection own;

  @BeforeEach
  void open() {
    database = TestDatabase.fresh();
    own = OwnConnection.open(database::connect, GRACE);
  }

  @AfterEach
  void close() {
    own.close();
    database.close();
  }

  private static Void execute(OwnConnection on, String sql) {
    return on.call(
        connection -> {
          try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
          }
          return null;
        });
  }

  @Test
  void isSaidToHaveGivenNoAnswerAndForHowLong() {
    execute(own, "SET statement_timeout = 0");
    assertThatThrownBy(() -> execute(own, "SELECT pg_sleep(5)"))
        .isInstanceOf(KeeperException.ConnectionLoss.class)
        .hasMessage("no answer within 1000 ms")
        .hasCauseInstanceOf(SQLException.class);
  }

  @Test
  void doesNotGoOnWithWhatNobodyWaitsForAnyMore() {
    String asked = "SELECT pg_sleep(1000)";
    assertThatThrownBy(() -> execute(own, asked)).isInstanceOf(KeeperException.class);
    Await.until(
        "it has ended",
        () ->
            database.queryLong(
                    "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = '"
                        + asked
                        + "'")
                == 0);
  }
}
