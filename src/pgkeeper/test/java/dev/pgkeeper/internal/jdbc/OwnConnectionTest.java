package dev.pgkeeper.internal.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
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

  /** What a keeper has by default. */
  private OwnConnection listening() {
    OwnConnection listening =
        OwnConnection.open(
            Objects.requireNonNull(
                OwnConnections.choose(
                    database.plainDataSource(), database.keeperOptions().withGrace(GRACE))),
            GRACE);
    listening.listen("flood");
    return listening;
  }

  /** Rings with 7.9 KB each, and numbers them from 1. */
  private void flood(int rings) throws SQLException {
    try (Connection flooding = database.connect();
        PreparedStatement flood =
            flooding.prepareStatement(
                "SELECT count(pg_notify('flood', n || repeat('x', 7900)))"
                    + " FROM generate_series(1, ?) AS n")) {
      flood.setInt(1, rings);
      flood.execute();
    }
  }

  @Test
  void hearsSomeOfAFloodAtATimeAndLosesNothingOfIt() throws SQLException {
    int rings = 4000;
    try (OwnConnection listening = listening()) {
      flood(rings);
      int heard = 0;
      while (heard < rings) {
        List<String> some = listening.await(GRACE);
        assertThat(some.size()).isBetween(1, rings / 4);
        for (String one : some) {
          assertThat(one.substring(0, 10)).startsWith(++heard + "x");
        }
      }
    }
  }

  /** The driver would keep all of it until the heap is full. */
  @Test
  void failsIfAFloodComesBeforeAnAnswer() throws SQLException {
    try (OwnConnection listening = listening()) {
      flood(10_000);
      assertThatThrownBy(() -> execute(listening, "SELECT 1"))
          .isInstanceOf(KeeperException.ConnectionLoss.class)
          .rootCause()
          .hasMessageContaining("somebody rings without end");
    }
  }
}
