package dev.pgkeeper.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Shards that two processes share out and write to: an owner that was stopped is refused, one that
 * was killed is followed by another. Several processes under all faults are the proof's part {@code
 * shards}.
 */
class SharedShardsTest {
  private static final Duration LIMIT = Duration.ofSeconds(120);
  private static final KeeperOptions OPTIONS = Scenario.SHORT_SESSIONS;

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
      return ShardChecker.violations(database);
    }
  }

  private static ChildProcess start(TestDatabase database, String name, String mode) {
    return ScenarioProcess.start(database, WriteToShards.class, OPTIONS, name, 1, 1, mode);
  }

  /** Who owns how many. */
  private static String owned(TestDatabase database) {
    return database.queryString(
        "SELECT coalesce(string_agg(client || ' ' || number, ', ' ORDER BY client), '') FROM (SELECT"
            + " client, count(*) AS number FROM ${schema}.locks WHERE path LIKE '/shards/%' GROUP BY"
            + " client) AS owned");
  }
}
