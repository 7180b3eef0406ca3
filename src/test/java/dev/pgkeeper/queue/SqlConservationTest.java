package dev.pgkeeper.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Whatever happens, and in whatever order, a message is in one place at a time. The length of the
 * run and its seed can be given: {@code -Dpgkeeper.queue.seconds=60 -Dpgkeeper.queue.seed=7}.
 */
class SqlConservationTest {

  private static final Duration SPAN =
      Duration.ofSeconds(Integer.getInteger("pgkeeper.queue.seconds", 10));
  private static final Duration SPAN_WITHOUT = Duration.ofSeconds(1);
  private static final int MOST_RUNS = 20;

  @Test
  void whateverHappensAMessageIsInOnePlaceAtATime() throws Exception {
    try (TestDatabase database = TestDatabase.fresh()) {
      SqlQueueRun run =
          new SqlQueueRun(
              database, Long.getLong("pgkeeper.queue.seed", System.nanoTime() % 10_000));
      List<String> violations = run.run(SPAN);
      System.out.println(run);
      assertThat(violations).as(run.toString()).isEmpty();
    }
  }

  /** A function of V010, and what it does without what protects it. */
  enum Protection {
    A_TAKEN_MESSAGE_IS_DELETED(
        "take",
        "DELETE FROM %s.message m",
        "SELECT m.queue, m.lane, m.id, m AS message FROM %s.message m"),
    THE_KEY_IS_LOCKED("_take_keyed", "WHERE pg_try_advisory_xact_lock", "WHERE true OR 0 = "),
    THE_TURN_IS_LOOKED_AT("_take_keyed", "t.key = m.key)", "t.key = m.key AND false)"),
    THE_EARLIER_COMES_FIRST("_take_keyed", "e.id < m.id", "e.id < 0"),
    WHAT_IS_GIVEN_BACK_IS_KEPT("give_back", "INSERT INTO %s.message SELECT m.*", "PERFORM"),
    A_FREED_KEY_BRINGS_BACK_THE_NEXT("keys_free", "first.lane = %s.behind()", "false"),
    THE_TURN_ENDS("keys_free", "AND t.id = done.id", "AND t.id = 0"),
    AN_ACK_NEEDS_ITS_CLAIM("ack", "IS NOT NULL", "IS NULL AND false"),
    A_SESSIONS_END_GIVES_BACK("claims_return", "PERFORM %s.give_all_back", "PERFORM concat"),
    AN_EXPIRED_CLAIM_GIVES_BACK("claims_expire", "PERFORM %s.give_all_back", "PERFORM concat"),
    AN_ACK_OF_A_WHOLE_CLAIM_DELETES_IT(
        "_ack", "DELETE FROM %s.claim d\n", "PERFORM FROM %s.claim d\n");

    final String function;
    final String protects;
    final String without;

    Protection(String function, String protects, String without) {
      this.function = function;
      this.protects = protects;
      this.without = without;
    }
  }

  @ParameterizedTest
  @EnumSource
  void theCheckerTellsWhenAProtectionIsOff(Protection protection) throws Exception {
    try (TestDatabase database = TestDatabase.fresh()) {
      String name = "'${schema}." + protection.function + "'::regproc";
      String definition = database.queryString("SELECT pg_get_functiondef(" + name + ")");
      String protects = protection.protects.formatted(database.schema());
      assertThat(definition).contains(protects);
      String without =
          definition.replace(protects, protection.without.formatted(database.schema()));
      if (protection == Protection.A_TAKEN_MESSAGE_IS_DELETED) {
        without = without.replace("RETURNING m.queue, m.lane, m.id, m AS message\n", "\n");
      }
      database.execute(without);
      assertThat(violationsOfSomeRun(database)).isNotEmpty();
    }
  }

  /** What is off may need a coincidence to show. */
  private static List<String> violationsOfSomeRun(TestDatabase database) throws Exception {
    List<String> violations = List.of();
    for (int seed = 1; seed <= MOST_RUNS && violations.isEmpty(); seed++) {
      violations = new SqlQueueRun(database, seed).run(SPAN_WITHOUT);
    }
    return violations;
  }
}
