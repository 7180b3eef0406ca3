package dev.pgkeeper.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.scenario.ResourceChecker.Accepted;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Shards that several processes share out and write to, while they are stopped past their timeout,
 * killed and cut off, and their sessions ended.
 */
class SharedShardsTest {
  private static final Duration LIMIT = Duration.ofSeconds(120);
  private static final KeeperOptions OPTIONS = Scenario.SHORT_SESSIONS;

  @Test
  void ofEachShardAcceptedWritesAreThoseOfOneOwnerAfterTheOther() throws Exception {
    long seed = Scenario.seed("SharedShardsTest");
    try (TestDatabase database = TestDatabase.fresh()) {
      database.execute(WriteToShards.TABLES);
      try (Crowd crowd =
          Crowd.start(database, WriteToShards.class, OPTIONS, 4, 2, "fenced", seed)) {
        crowd.workDisturbed(Scenario.length(8));
        crowd.workUntil(
            "more than 100 accepted writes",
            () -> database.queryLong("SELECT count(*) FROM ${schema}.accepted") > 100);
        crowd.endASessionInTheMiddle();
        long before = accepted(database).size();
        awaitEveryShardIsOwned(database);
        awaitEveryShardIsWritten(database);
        List<String> said = crowd.finish();
        List<Accepted> accepted = accepted(database);
        System.out.println(
            "SharedShardsTest: "
                + accepted.size()
                + " accepted, "
                + said.stream().filter(line -> line.startsWith("refused")).count()
                + " refused, "
                + said.stream().filter(line -> line.startsWith("acquired")).count()
                + " acquired; "
                + crowd.happened());
        assertThat(accepted.size()).as("accepted writes").isGreaterThan(100);
        assertThat((long) accepted.size()).isGreaterThan(before);
        assertThat(violations(database)).isEmpty();
      }
    }
  }

  @Test
  void whoWakesUpAfterTheNextOwnerWroteIsRefused() throws Exception {
    assertThat(stoppedBeforeItsWrite("fenced", "refused")).isEmpty();
  }

  @Test
  void withoutTheFenceTwoOwnersWriteAndThatIsFound() throws Exception {
    assertThat(stoppedBeforeItsWrite("unfenced", "accepted")).hasSize(1);
  }

  @Test
  void whatSomebodyHadWhoIsKilledIsTakenOver() throws Exception {
    try (TestDatabase database = TestDatabase.fresh()) {
      database.execute(WriteToShards.TABLES);
      try (ChildProcess first = start(database, "first", "fenced");
          ChildProcess second = start(database, "second", "fenced")) {
        Await.until(LIMIT, "both own four", () -> owned(database).equals("first 4, second 4"));
        first.kill9();
        Await.until(LIMIT, "all are taken over", () -> owned(database).equals("second 8"));
        assertThat(second.isAlive()).isTrue();
      }
    }
  }

  /**
   * Stops an owner before its write until the next one wrote; what is wrong with what came of it.
   */
  private static List<String> stoppedBeforeItsWrite(String mode, String expected) throws Exception {
    try (TestDatabase database = TestDatabase.fresh()) {
      database.execute(WriteToShards.TABLES);
      try (ChildProcess first = start(database, "first", mode + " commanded")) {
        String token = first.awaitLine("owning ", LIMIT).replace(" .", "");
        first.stop();
        try (ChildProcess second = start(database, "second", mode + " commanded")) {
          second.awaitLine("owning ", LIMIT);
          second.send("write");
          second.awaitLine("accepted shard-0", LIMIT);
          first.send("write");
          first.cont();
          first.awaitLine(expected + " shard-0 " + token, LIMIT);
        }
      }
      return violations(database);
    }
  }

  private static ChildProcess start(TestDatabase database, String name, String mode) {
    return ScenarioProcess.start(database, WriteToShards.class, OPTIONS, name, 1, 1, mode);
  }

  private static void awaitEveryShardIsOwned(TestDatabase database) {
    String holders = "SELECT count(DISTINCT path) FROM ${schema}.locks WHERE path LIKE '/shards/%'";
    Await.until(LIMIT, "every shard is owned", () -> database.queryLong(holders) == 8);
  }

  private static void awaitEveryShardIsWritten(TestDatabase database) {
    database.execute("CREATE TABLE ${schema}.calm AS SELECT * FROM ${schema}.shard");
    String more =
        "SELECT count(*) FROM ${schema}.shard JOIN ${schema}.calm USING (name)"
            + " WHERE shard.version > calm.version";
    Await.until(LIMIT, "every shard is written again", () -> database.queryLong(more) == 8);
  }

  /** Who owns how many. */
  private static String owned(TestDatabase database) {
    return database.queryString(
        "SELECT coalesce(string_agg(client || ' ' || number, ', ' ORDER BY client), '') FROM (SELECT"
            + " client, count(*) AS number FROM ${schema}.locks WHERE path LIKE '/shards/%' GROUP BY"
            + " client) AS owned");
  }

  private static List<Accepted> accepted(TestDatabase database) throws SQLException {
    List<Accepted> accepted = new ArrayList<>();
    for (String shard : WriteToShards.SHARDS) {
      accepted.addAll(accepted(database, shard));
    }
    return accepted;
  }

  private static List<String> violations(TestDatabase database) throws SQLException {
    List<String> violations = new ArrayList<>();
    for (String shard : WriteToShards.SHARDS) {
      violations.addAll(ResourceChecker.violations(accepted(database, shard)));
    }
    return violations;
  }

  private static List<Accepted> accepted(TestDatabase database, String shard) throws SQLException {
    List<Accepted> accepted = new ArrayList<>();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "SELECT version, token, writer FROM "
                    + database.schema()
                    + ".accepted WHERE shard = '"
                    + shard
                    + "' ORDER BY version")) {
      while (rows.next()) {
        accepted.add(new Accepted(rows.getLong(1), rows.getLong(2), rows.getString(3)));
      }
    }
    return accepted;
  }
}
