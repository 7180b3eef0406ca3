package dev.pgkeeper.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Queues through which several processes send and receive while they are stopped past their
 * timeout, killed and cut off, and their server is killed.
 */
class MessageTrafficTest {
  private static final Duration DRAINED = Duration.ofSeconds(120);
  private static final KeeperOptions OPTIONS = Scenario.SHORT_SESSIONS;

  @Test
  void whatWasSentIsDoneOnceInOrderWhateverHappensToTheProcesses() throws Exception {
    long seed = Scenario.seed("MessageTrafficTest");
    try (TestDatabase database = TestDatabase.fresh()) {
      database.execute(MessageTraffic.TABLES);
      try (Crowd crowd =
          Crowd.start(database, MessageTraffic.class, OPTIONS, 4, 4, "together", seed)) {
        crowd.workDisturbed(Scenario.length(15));
        crowd.workUntil("more than 1000 were sent", () -> sent(database) > 1000);
        tell(database, crowd.finish(), crowd);
      }
      drain(database, "drain", seed);
      assertThat(sent(database)).isGreaterThan(1000);
      assertThat(TrafficChecker.violations(database)).isEmpty();
    }
  }

  @Test
  void whatWasSentIsDoneOnceInOrderAlsoWhereTheServerIsKilled() throws Exception {
    long seed = Scenario.seed("MessageTrafficTest");
    try (PrivateServer server = PrivateServer.start();
        TestDatabase database = TestDatabase.freshOn(server)) {
      database.execute(MessageTraffic.TABLES);
      try (Crowd crowd =
          Crowd.start(database, MessageTraffic.class, OPTIONS, 3, 4, "together", seed)) {
        for (int kills = 0; kills < 3; kills++) {
          crowd.work(Scenario.length(9).dividedBy(3));
          if (kills % 2 == 0) {
            server.kill9();
          } else {
            server.stopImmediate();
          }
          server.startAgain();
        }
        crowd.work(Duration.ofSeconds(2));
        crowd.workUntil("more than 500 were sent", () -> sent(database) > 500);
        tell(database, crowd.finish(), crowd);
      }
      drain(database, "drain", seed);
      assertThat(sent(database)).isGreaterThan(500);
      assertThat(TrafficChecker.violations(database)).isEmpty();
    }
  }

  @Test
  void effectsThatDoNotShareTheAcksTransactionAreFoundTwice() throws Exception {
    assertThat(wrong("apart", "SELECT 1", TrafficChecker::doneTwice)).isNotEmpty();
  }

  @Test
  void messagesThatAreNotPutBackAreFoundLost() throws Exception {
    assertThat(
            wrong(
                "together",
                """
                CREATE OR REPLACE FUNCTION ${schema}.give_back(in_messages ${schema}.message[], in_hows text[], in_delays_ms bigint[],
                    in_errors text[]) RETURNS void LANGUAGE sql
                  AS 'SELECT ${schema}.keys_free(array_agg(m.queue), array_agg(m.key), array_agg(m.id)) FROM unnest(in_messages) AS m WHERE m.key IS NOT NULL'
                """,
                TrafficChecker::lost))
        .isNotEmpty();
  }

  @Test
  void messagesOfOneKeyAtATimeForSeveralAreFoundOutOfOrder() throws Exception {
    assertThat(
            wrong(
                "together",
                """
                CREATE OR REPLACE FUNCTION ${schema}.queue_keyed(in_queue text) RETURNS void LANGUAGE sql AS 'SELECT NULL::void'
                """,
                TrafficChecker::outOfOrder))
        .isNotEmpty();
  }

  /** A message that is taken and still there comes in its own way, so nobody waits for the end. */
  @Test
  void messagesThatStayWhereTheyAreWhileTheyAreTakenAreFoundTwice() throws Exception {
    try (TestDatabase database = TestDatabase.fresh()) {
      database.execute(MessageTraffic.TABLES);
      database.execute(
          """
          CREATE FUNCTION ${schema}.put_back() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN
            IF OLD.key IS NULL AND random() < 0.05 THEN
              INSERT INTO ${schema}.message SELECT OLD.*;
            END IF;
            RETURN NULL;
          END $$;
          CREATE TRIGGER put_back AFTER DELETE ON ${schema}.message FOR EACH ROW EXECUTE FUNCTION ${schema}.put_back();
          """);
      long seed = Scenario.seed("MessageTrafficTest");
      try (Crowd crowd =
          Crowd.start(database, MessageTraffic.class, OPTIONS, 2, 4, "together", seed)) {
        Await.until(
            DRAINED,
            "both are found",
            () -> {
              crowd.work(Duration.ofMillis(500));
              return !TrafficChecker.doneTwice(database).isEmpty()
                  && !TrafficChecker.againForNoReason(database).isEmpty();
            });
      }
    }
  }

  /** What a checker finds where a protection is off. */
  private interface Check {
    List<String> of(TestDatabase database);
  }

  private static List<String> wrong(String mode, String off, Check check) throws Exception {
    long seed = Scenario.seed("MessageTrafficTest");
    try (TestDatabase database = TestDatabase.fresh()) {
      database.execute(MessageTraffic.TABLES);
      database.execute(off);
      try (Crowd crowd = Crowd.start(database, MessageTraffic.class, OPTIONS, 2, 4, mode, seed)) {
        crowd.work(Duration.ofSeconds(3));
        crowd.finish();
      }
      drain(database, "drain " + mode, seed);
      return check.of(database);
    }
  }

  private static void drain(TestDatabase database, String mode, long seed) throws Exception {
    try (Crowd rest = Crowd.start(database, MessageTraffic.class, OPTIONS, 1, 4, mode, seed)) {
      Await.until(
          DRAINED,
          () -> "nothing is left; there are " + TrafficChecker.left(database),
          () -> TrafficChecker.left(database) == 0);
      rest.finish();
    }
  }

  private static long sent(TestDatabase database) {
    return database.queryLong("SELECT count(*) FROM ${schema}.sent");
  }

  private static void tell(TestDatabase database, List<String> said, Crowd crowd) {
    System.out.println(
        "MessageTrafficTest: "
            + sent(database)
            + " sent, "
            + said.stream().filter(line -> line.startsWith("refused")).count()
            + " refused, "
            + TrafficChecker.left(database)
            + " left; "
            + crowd.happened());
  }
}
