package dev.pgkeeper.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Gate;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is remembered of holds (R__07_history.sql), whichever way they end. */
class HistoryTest {
  private static TestDatabase database;
  private static int lines;

  private String line;

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void drop() {
    database.close();
  }

  @BeforeEach
  void newLine() {
    line = "/history/" + lines++;
  }

  private static SqlClient open(String name) {
    return SqlClient.open(database, name);
  }

  /** What the history tells of the line's holds, the earliest grant first. */
  private String history(String columns) {
    return told(columns, "history", "true");
  }

  private String told(String columns, String view, String condition) {
    return database.queryString(
        "SELECT string_agg(concat_ws(' ', %s), ', ' ORDER BY token) FROM ${schema}.%s WHERE path = '%s' AND %s"
            .formatted(columns, view, line, condition));
  }

  /** Who is said to have held the line at the moment that an expression gives. */
  private String heldAt(String moment) {
    return database.queryString(
        "SELECT string_agg(client, ', ' ORDER BY token) FROM ${schema}.held_at('%s', (%s))"
            .formatted(line, moment));
  }

  private String since(long token) {
    return "SELECT h.since FROM (SELECT token, since FROM ${schema}.history UNION ALL SELECT token, since FROM ${schema}.holds) h"
        + " WHERE token = "
        + token;
  }

  private static String until(long token) {
    return "SELECT until FROM ${schema}.history WHERE token = " + token;
  }

  @Test
  void aReleasedLockIsRememberedWithItsTokenAndWhoseItWas() {
    SqlClient client = open("orders");
    long token = client.lock(line);
    assertThat(history("token")).isNull();
    client.free(line, token);
    assertThat(
            history(
                "kind, recipe, what, token, session, client, host, pid, since < until, until <= clock_timestamp(), how,"
                    + " coalesce(ended_by, 'nobody'), coalesce(why, 'nothing')"))
        .isEqualTo(
            "lock mutex lock %d %d orders h 1 t t released nobody nothing"
                .formatted(token, client.session()));
  }

  @Test
  void aHoldCoversItsBeginningAndNotItsEnd() {
    SqlClient client = open("first");
    long token = client.lock(line);
    client.free(line, token);
    assertThat(heldAt(since(token))).isEqualTo("first");
    assertThat(heldAt("(" + since(token) + ") - interval '1 us'")).isNull();
    assertThat(heldAt("(" + until(token) + ") - interval '1 us'")).isEqualTo("first");
    assertThat(heldAt(until(token))).isNull();
  }

  @Test
  void aHandOffEndsOneHoldAtTheMomentWhenTheNextOneBegins() {
    SqlClient first = open("first");
    SqlClient second = open("second");
    long token = first.lock(line);
    long next = second.lock(line);
    first.free(line, token);
    assertThat(heldAt(until(token))).isEqualTo("second");
    assertThat(database.queryString("SELECT (" + until(token) + ") = (" + since(next) + ")"))
        .isEqualTo("t");
    assertThat(heldAt("clock_timestamp()")).isEqualTo("second");
  }

  @Test
  void whatIsHeldNowIsHeldAtThisMomentAndWasNotBefore() {
    SqlClient client = open("now");
    long token = client.lock(line);
    assertThat(heldAt("clock_timestamp()")).isEqualTo("now");
    assertThat(heldAt("(" + since(token) + ") - interval '1 us'")).isNull();
    assertThat(
            told(
                "what, alive, until IS NULL",
                "held_at('" + line + "') h JOIN ${schema}.holds USING (path, what, token)",
                "true"))
        .isEqualTo("lock t t");
  }

  @Test
  void whatIsHeldIsJudgedByTheClockWhenNobodyReaps() {
    SqlClient client = open("gone");
    long token = client.lock(line);
    database.execute(
        "UPDATE ${schema}.gathering SET since = since - interval '2 hours' WHERE path = '"
            + line
            + "'");
    client.outlast("1 hour");
    assertThat(heldAt("clock_timestamp() - interval '61 minutes'")).isEqualTo("gone");
    assertThat(heldAt("clock_timestamp() - interval '59 minutes'")).isNull();
    assertThat(told("token, alive", "holds", "true")).isEqualTo(token + " f");
  }

  @Test
  void whoWaitedAndLeftIsNotInTheHistory() {
    SqlClient first = open("first");
    SqlClient second = open("second");
    SqlClient third = open("third");
    first.lock(line);
    second.free(line, second.lock(line));
    long candidate = third.join(line, "mutex", 1, "lock", "NULL", "'data'");
    third.leave(line, candidate, "lock");
    second.lock(line);
    second.close();
    third.join(line, "mutex", 1, "lock", "NULL", "'data'");
    third.close();
    assertThat(history("token")).isNull();
  }

  @Test
  void permitsAreRememberedOneByOne() {
    SqlClient client = open("permits");
    long one = client.join(line, "semaphore", 3, "1", "NULL", "''");
    long two = client.join(line, "semaphore", 3, "2", "NULL", "''");
    client.leave(line, one, "1");
    database.execute(
        "SELECT ${schema}.lines_leave(ARRAY['" + SqlClient.node(line, two, "2") + "'])");
    assertThat(history("kind, recipe, what, token, how"))
        .isEqualTo(
            "lock semaphore 1 %d released, lock semaphore 2 %d released".formatted(one, two));
    assertThat(heldAt(since(two))).isEqualTo("permits, permits");
  }

  @Test
  void locksThatAreReleasedTogetherAreRememberedEach() {
    SqlClient client = open("together");
    String other = line + "-other";
    long one = client.lock(line);
    long two = client.lock(other);
    database.execute(
        "SELECT ${schema}.lines_free(ARRAY['%s', '%s'], ARRAY[%d, %d])"
            .formatted(line, other, one, two));
    assertThat(history("token, client, since < until, how"))
        .isEqualTo(one + " together t released");
    line = other;
    assertThat(history("token, client, since < until, how"))
        .isEqualTo(two + " together t released");
  }

  @Test
  void aHoldEndsWithItsSession() {
    SqlClient waited = open("waited");
    SqlClient noded = open("noded");
    SqlClient next = open("next");
    long token = waited.lock(line);
    next.lock(line);
    String other = line + "-noded";
    noded.join(other, "mutex", 1, "lock", "NULL", "'data'");
    waited.close();
    noded.outlast("1 s");
    database.execute("CALL ${schema}.reap(100, NULL, NULL, NULL)");
    assertThat(history("client, how")).isEqualTo("waited closed");
    assertThat(heldAt(until(token))).as("before the next one is granted").isNull();
    assertThat(heldAt("clock_timestamp()")).isEqualTo("next");
    line = other;
    assertThat(history("client, how")).isEqualTo("noded expired");
  }

  @Test
  void aHolderWhomNobodyLookedForEndedWithItsSession() {
    SqlClient left = open("left");
    long token = left.lock(line);
    left.close();
    String told = "token, client, how, until";
    String before = history(told);
    assertThat(before).startsWith(token + " left closed ");
    assertThat(heldAt("clock_timestamp()")).isNull();
    assertThat(heldAt(since(token))).isEqualTo("left");

    long next = open("next").lock(line);
    assertThat(next).isGreaterThan(token);
    assertThat(history(told)).as("written when the next one came").isEqualTo(before);
    assertThat(
            database.queryLong("SELECT count(*) FROM ${schema}.past_hold WHERE token = " + token))
        .isEqualTo(1);
  }

  @Test
  void aHolderLeftBehindIsRememberedWhenItsLineGoes() {
    SqlClient left = open("left");
    left.lock(line);
    left.outlast("1 s");
    database.execute("CALL ${schema}.reap(100, NULL, NULL, NULL)");
    String before = history("token, client, how, until");
    assertThat(before).contains(" left expired ");
    database.execute("SELECT ${schema}.delete('" + line + "')");
    assertThat(history("token, client, how, until")).isEqualTo(before);
  }

  @Test
  void aReleaseThatComesAfterTheEndOfItsSessionChangesNothing() {
    SqlClient alone = open("late");
    SqlClient together = open("late");
    String other = line + "-other";
    long one = alone.lock(line);
    long two = together.lock(other);
    alone.close();
    together.close();
    String before = history("token, how, until");
    alone.free(line, one);
    assertThat(history("token, how, until")).isEqualTo(before);
    line = other;
    before = history("token, how, until");
    database.execute("SELECT ${schema}.lines_free(ARRAY['%s'], ARRAY[%d])".formatted(other, two));
    assertThat(history("token, how, until")).isEqualTo(before);
  }

  /**
   * The backend that releases is stopped after it has made the next one a holder. Meanwhile the
   * session of the one who left ends, and waits for nobody: a crash has taken the note of where to
   * look.
   */
  @Test
  void aReleaseThatComesBeforeTheEndOfItsSessionIsTheEndOfTheHold() {
    alone(
        () -> {
          SqlClient first = open("first");
          SqlClient second = open("second");
          long token = first.lock(line);
          long next = second.lock(line);
          database.execute("DELETE FROM ${schema}.awaited");
          Gate gate = Gate.after(database, "UPDATE", "gathering", "true");
          CompletableFuture<Void> release;
          try (Gate.Shut shut = gate.shut()) {
            release = CompletableFuture.runAsync(() -> first.free(line, token));
            gate.awaitSomebody();
            first.close();
          }
          release.orTimeout(Await.LIMIT.toSeconds(), TimeUnit.SECONDS).join();
          assertThat(history("token, how")).isEqualTo(token + " released");
          assertThat(database.queryString("SELECT (" + until(token) + ") = (" + since(next) + ")"))
              .as("no moment of it is the next one's")
              .isEqualTo("t");
        });
  }

  @Test
  void aHoldWhoseTimeIsOverEndedAtItsLimit() {
    SqlClient client = open("limited");
    SqlClient early = open("early");
    long token = client.join(line, "mutex", 1, "lock", "1", "''");
    Await.until(
        "the limit is over",
        () ->
            database.queryLong(
                    "SELECT count(*) FROM ${schema}.locks WHERE ends < clock_timestamp() AND token = "
                        + token)
                == 1);
    assertThat(heldAt("clock_timestamp()")).isNull();
    assertThat(database.queryLong("SELECT ${schema}.reap_holds(10)")).isEqualTo(1);
    String other = line + "-early";
    early.leave(other, early.join(other, "mutex", 1, "lock", "60000", "''"), "lock");
    assertThat(history("token, how")).isEqualTo(token + " limit");
    line = other;
    assertThat(history("how")).isEqualTo("released");
  }

  @Test
  void aHoldWhoseNodeIsDeletedEndedSo() {
    SqlClient client = open("deleted");
    long node = client.join(line, "semaphore", 2, "1", "NULL", "''");
    database.execute("SELECT ${schema}.delete('" + SqlClient.node(line, node, "1") + "')");
    long below = client.join(line, "semaphore", 2, "2", "NULL", "''");
    database.execute("SELECT ${schema}.delete_recursive('" + line + "')");
    long inRow = client.lock(line);
    database.execute("SELECT ${schema}.delete_recursive('" + line + "')");
    assertThat(history("token, what, client, how"))
        .isEqualTo(
            "%d 1 deleted deleted, %d 2 deleted deleted, %d lock deleted deleted"
                .formatted(node, below, inRow));
  }

  @Test
  void aContenderThatIsDeletedWithItsSubtreeInAMultiEndedSo() {
    SqlClient client = open("multi");
    long node = client.join(line, "semaphore", 2, "1", "NULL", "''");
    database.execute(
        "SELECT ${schema}.multi(%d, '{delete}', ARRAY['%s'], '{NULL}', '{-1}', '{NULL}', '{NULL}', '{NULL}')"
            .formatted(client.session(), SqlClient.node(line, node, "1")));
    assertThat(history("token, how")).isEqualTo(node + " deleted");
  }

  @Test
  void aWriteThatBecomesAReadIsTwoHolds() {
    SqlClient client = open("downgrades");
    long token = client.join(line, "read_write", 1000, "write", "NULL", "''");
    database.execute(
        "SELECT ${schema}.line_downgrade(%d, '%s')"
            .formatted(client.session(), SqlClient.node(line, token, "write")));
    client.leave(line, token, "read");
    assertThat(
            database.queryString(
                "SELECT string_agg(concat_ws(' ', token, what, how), ', ' ORDER BY since)"
                    + " FROM ${schema}.history WHERE path = '"
                    + line
                    + "'"))
        .isEqualTo("%1$d write downgraded, %1$d read released".formatted(token));
    assertThat(heldAt("SELECT max(since) FROM ${schema}.history WHERE token = " + token))
        .as("never as both")
        .isEqualTo("downgrades");
  }

  @Test
  void aLeadershipIsRememberedUnderTheNameOfTheLeader() {
    SqlClient first = open("first");
    SqlClient second = open("second");
    long token = first.stand(line, "node-1");
    second.stand(line, "node-2");
    first.leave(line, token, "candidate");
    second.close();
    assertThat(history("kind, recipe, what, client, how"))
        .isEqualTo(
            "leadership election node-1 first released, leadership election node-2 second closed");
  }

  @Test
  void anIdentityThatIsNoTextKeepsNobodyFromEnding() {
    SqlClient client = open("bytes");
    client.join(line, "election", 1, "candidate", "NULL", "'\\377\\000'");
    client.close();
    assertThat(history("what, how")).isEqualTo("\\377 closed");
  }

  @Test
  void runsOfAJobAreRememberedByItsName() throws Exception {
    line = "nightly " + lines++;
    SqlClient client = open("worker");
    SqlClient other = open("other");
    String claim = "SELECT token FROM ${schema}.job_claim(%d, '" + line + "', '%s')";
    long done = database.queryLong(claim.formatted(client.session(), "done"));
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      String work =
          ("SELECT ${schema}.job_done(%1$d, '%2$s', 'done', 1, ${schema}.job_hold(%1$d, '%2$s', 'done', 1))")
              .formatted(client.session(), line)
              .replace("${schema}", database.schema());
      statement.execute(work);
      connection.rollback();
      assertThat(history("token")).as("rolled back").isNull();
      statement.execute(work);
      connection.commit();
    }
    long failed = database.queryLong(claim.formatted(client.session(), "failed"));
    database.execute(
        "SELECT ${schema}.job_end(%d, '%s', 'failed', 1, 'why')".formatted(client.session(), line));
    long left = database.queryLong(claim.formatted(client.session(), "left"));
    long taken = database.queryLong(claim.formatted(client.session(), "taken"));
    assertThat(heldAt("clock_timestamp()")).isEqualTo("worker, worker");
    client.close();
    String expected =
        "job job done %d worker done, job job failed %d worker failed, job job left %d worker abandoned, job job taken %d worker abandoned"
            .formatted(done, failed, left, taken);
    String told = "kind, recipe, what, token, client, how";
    assertThat(history(told)).as("by the clock").isEqualTo(expected);
    String ends = history("until");
    database.queryLong(claim.formatted(other.session(), "taken"));
    database.execute("SELECT ${schema}.mark_abandoned_runs()");
    assertThat(history(told)).as("once somebody noticed").isEqualTo(expected);
    assertThat(history("until")).isEqualTo(ends);
    assertThat(heldAt("clock_timestamp()")).isEqualTo("other");
  }

  @Test
  void aTurnThatIsTakenOverEndedAtItsLimit() {
    line = "turns " + lines++;
    SqlClient client = open("slow");
    String turn = "SELECT token FROM ${schema}.job_take_turn(%d, '" + line + "', '%s')";
    long token = database.queryLong(turn.formatted(client.session(), "1 ms"));
    Await.until(
        "somebody else can take it",
        () -> database.queryLong(turn.formatted(open("next").session(), "1 h")) > 0);
    assertThat(history("token, client, how, until - since = interval '1 ms'"))
        .isEqualTo(token + " slow abandoned t");
  }

  @Test
  void sessionsThatEndedAreRemembered() {
    SqlClient closed = open("closed");
    SqlClient expired = open("expired");
    closed.close();
    expired.outlast("1 s");
    expired.close();
    assertThat(
            database.queryString(
                "SELECT string_agg(concat_ws(' ', client, host, pid, opened < ended, how, coalesce(why, '-')), ', ' ORDER BY session)"
                    + " FROM ${schema}.past_sessions WHERE session IN (%d, %d)"
                        .formatted(closed.session(), expired.session())))
        .isEqualTo("closed h 1 t closed -, expired h 1 t expired -");
  }

  /** With a database of its own: what is pruned is everybody's. */
  private static void alone(Runnable test) {
    TestDatabase shared = database;
    try (TestDatabase own = TestDatabase.fresh()) {
      database = own;
      test.run();
    } finally {
      database = shared;
    }
  }

  private void hold(SqlClient client, int times) {
    for (int i = 0; i < times; i++) {
      client.free(line, client.lock(line));
    }
  }

  private static long rows() {
    return database.queryLong("SELECT count(*) FROM ${schema}.history");
  }

  @Test
  void historyIsBoundedByAge() {
    alone(
        () -> {
          SqlClient client = open("old");
          hold(client, 5);
          client.close();
          database.execute(
              "UPDATE ${schema}.past_hold SET until = until - interval '30 days 1 minute'");
          database.execute(
              "UPDATE ${schema}.past_session SET ended = ended - interval '30 days 1 minute'");
          hold(open("new"), 1);
          assertThat(database.queryLong("SELECT ${schema}.prune_history(3)")).isEqualTo(3);
          assertThat(rows()).as("some at a time").isEqualTo(3);
          assertThat(database.queryLong("SELECT ${schema}.prune_history(3)")).isEqualTo(2);
          assertThat(database.queryLong("SELECT ${schema}.prune_history(3)")).isZero();
          assertThat(history("client")).isEqualTo("new");
          assertThat(database.queryLong("SELECT count(*) FROM ${schema}.past_sessions")).isZero();
        });
  }

  @Test
  void historyIsBoundedBySize() {
    alone(
        () -> {
          database.execute("SELECT ${schema}.configure_history('test', in_most_rows => 4)");
          for (int i = 0; i < 6; i++) {
            SqlClient client = open("client-" + i);
            hold(client, 1);
            client.close();
          }
          assertThat(
                  database.queryString(
                      "SELECT concat_ws(' ', enabled, keep, most_rows, rows) FROM ${schema}.history_settings"))
              .isEqualTo("t 30 days 4 6");
          assertThat(database.queryLong("SELECT ${schema}.prune_history()")).isEqualTo(2);
          assertThat(history("client")).isEqualTo("client-2, client-3, client-4, client-5");
          assertThat(database.queryLong("SELECT count(*) FROM ${schema}.past_sessions"))
              .isEqualTo(4);
        });
  }

  @Test
  void aClientPrunesByItself() {
    alone(
        () -> {
          hold(open("old"), 3);
          database.execute("UPDATE ${schema}.past_hold SET until = until - interval '31 days'");
          try (Keeper keeper = database.keeper()) {
            Await.until("the old rows went", () -> rows() == 0);
          }
        });
  }

  @Test
  void whoPrunesKeepsNobodyFromReleasing() throws Exception {
    SqlClient client = open("meanwhile");
    hold(client, 3);
    database.execute(
        "UPDATE ${schema}.past_hold SET until = until - interval '31 days' WHERE path = '"
            + line
            + "'");
    long token = client.lock(line);
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("SELECT " + database.schema() + ".prune_history(1000000)");
      client.free(line, token); // fails after 50 ms if it has to wait
      connection.commit();
    }
    assertThat(history("token")).isEqualTo("" + token);
  }

  @Test
  void historyCanBeSwitchedOffAndOn() {
    alone(
        () -> {
          SqlClient client = open("switched");
          hold(client, 1);
          String before = history("token");
          database.execute("SELECT ${schema}.configure_history('test', in_enabled => false)");
          hold(client, 1);
          client.leave(
              line + "-n", client.join(line + "-n", "semaphore", 2, "1", "NULL", "''"), "1");
          client.lock(line);
          assertThat(heldAt("clock_timestamp()")).isEqualTo("switched");
          database.execute("SELECT ${schema}.session_end(" + open("other").session() + ")");
          assertThat(rows()).isEqualTo(1);
          assertThat(history("token")).isEqualTo(before);
          database.execute("SELECT ${schema}.configure_history('test', in_enabled => true)");
          client.free(line + "-o", client.lock(line + "-o"));
          client.close();
          assertThat(history("client")).isEqualTo("switched, switched");
          line += "-o";
          assertThat(history("client, how")).isEqualTo("switched released");
        });
  }
}
