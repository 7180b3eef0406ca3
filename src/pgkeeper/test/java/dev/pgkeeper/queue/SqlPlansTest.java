package dev.pgkeeper.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.sql.Plans;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What queues cost does not depend on how much is in them, also where nobody ever analysed. */
class SqlPlansTest {

  private static final Pattern BUFFERS =
      Pattern.compile("Buffers: shared(?: hit=(\\d+))?(?: read=(\\d+))?");

  /** Sequences, and what has a handful of rows. */
  private static final Set<String> EXCEPTED =
      Set.of("zxid", "idle_number", "epoch", "reply", "reply_pkey", "dropped_queue");

  private static TestDatabase database;

  @BeforeAll
  static void fill() {
    database = TestDatabase.fresh();
    Plans.neverAnalyse(
        database,
        "queue",
        "lane",
        "message",
        "claim",
        "dead_letter",
        "key_turn",
        "dedup",
        "idle",
        "queue_tally");
    Plans.fillSessions(database);
    database.execute("SELECT ${schema}.queue_create('q' || i) FROM generate_series(1, 1000) i");
    database.execute("UPDATE ${schema}.queue SET keyed = true WHERE id = 2");
    database.execute("SELECT ${schema}.subscribe('t', 's' || i) FROM generate_series(1, 2) i");
    messages(1, 50_000, "NULL");
    messages(2, 50_000, "'k' || i % 5000");
    database.execute(
        "INSERT INTO ${schema}.message SELECT -i, 1, NULL, 0, 1, clock_timestamp(), clock_timestamp() + interval '1 h', NULL, NULL, NULL, NULL, ''"
            + " FROM generate_series(1, 20000) i");
    database.execute(
        "INSERT INTO ${schema}.claim SELECT i % 5000, -i, 1, clock_timestamp(), CASE WHEN i % 2 = 0 THEN clock_timestamp() + interval '1 h' END, false, ARRAY[-i], NULL,"
            + " ARRAY[ROW(-i, 1, 0, 0, 0, clock_timestamp(), NULL, NULL, NULL, NULL, NULL, '')::${schema}.message] FROM generate_series(1, 20000) i");
    database.execute(
        "INSERT INTO ${schema}.dead_letter SELECT 1, -100000 - i, clock_timestamp(), '', ROW(-100000 - i, 1, 0, 0, 0, clock_timestamp(), NULL, NULL, NULL, NULL, NULL, '')::${schema}.message"
            + " FROM generate_series(1, 20000) i");
    database.execute(
        "INSERT INTO ${schema}.key_turn SELECT 3, 'k' || i, i FROM generate_series(1, 20000) i");
    database.execute(
        "INSERT INTO ${schema}.dedup SELECT 1, 'd' || i, i, clock_timestamp() + interval '1 h' FROM generate_series(1, 20000) i");
    database.execute(
        "INSERT INTO ${schema}.idle (queue, session) SELECT 'q' || i % 1000, i FROM generate_series(1, 5000) i");
    database.execute(
        "INSERT INTO ${schema}.queue_tally SELECT i % 1000, clock_timestamp() - i * interval '1 s', 0, 0, 0, 0, 0 FROM generate_series(1, 20000) i");
  }

  private static void messages(int queue, int number, String key) {
    database.execute(
        "INSERT INTO ${schema}.message SELECT i, %d, 0, 0, 0, clock_timestamp(), NULL, NULL, %s, NULL, NULL, 'payload' FROM generate_series(1, %d) i"
            .formatted(queue, key, number));
  }

  @AfterAll
  static void close() {
    database.close();
  }

  @Test
  void whatIsCalledAllTheTimeUsesIndexScansOnTablesThatWereNeverAnalysed() throws SQLException {
    Map<String, String> calls = new LinkedHashMap<>();
    calls.put("_claims_return", "SELECT ${schema}._claims_return(100 + %1$d, NULL)");
    calls.put("claims_forget", "SELECT ${schema}.claims_forget(120 + %1$d, '{}', 1)");
    calls.put("request_enqueue", "SELECT ${schema}.request_enqueue(1, %1$d, 2, 'q1', '{a,b}')");
    calls.put(
        "request_enqueue_all",
        "SELECT ${schema}.request_enqueue_all(1, %1$d, 3, '{q1,q2}', '{a,b}', '{1,2}', '{0,5}', '{NULL,k}', NULL, NULL, '{e%1$d,NULL}')");
    calls.put(
        "request_publish",
        "SELECT ${schema}.request_publish(1, %1$d, 4, 't', 'x', 1, NULL, 'k', NULL, NULL, NULL)");
    calls.put(
        "request_administer",
        "SELECT ${schema}.request_administer(1, %1$d, 5, 'redrive', 'q1', '{-100006}', NULL, NULL)");
    calls.put("ring_idle", "SELECT ${schema}.ring_idle('{q1,q5}', '{1,2}')");
    calls.put(
        "take",
        "SELECT ${schema}.take(1, %1$d, 'q1', 2, NULL, false, NULL, NULL, NULL, true, false)");
    calls.put(
        "take apart",
        "SELECT ${schema}.take(1, %1$d0, 'q1', 2, 60000, true, '{%1$d}', '{-1}', '{-1}', true, false)");
    calls.put(
        "take nothing",
        "SELECT ${schema}.take(1, 200 + %1$d, 'q7', 2, NULL, false, '{%1$d}', NULL, NULL, true, true)");
    calls.put(
        "take keyed",
        "SELECT ${schema}.take(2, %1$d, 'q2', 2, NULL, false, NULL, NULL, NULL, true, false)");
    calls.put(
        "ack keyed",
        "SELECT ${schema}.take(2, 100 + %1$d, 'q7', 2, NULL, false, '{%1$d}', NULL, NULL, true, false)");
    calls.put("ack", "SELECT ${schema}.ack(-10 * %1$d - 1, -10 * %1$d - 1, 10 * %1$d + 1)");
    calls.put("extend", "SELECT ${schema}.extend(-10 * %1$d - 2, 9, 10 * %1$d + 2)");
    calls.put(
        "claim_split",
        "SELECT ${schema}.claim_split(10 * %1$d + 3, -10 * %1$d - 3, -10 * %1$d - 3, 5)");
    for (String how : List.of("retry", "release", "dead")) {
      calls.put(
          "return " + how,
          "SELECT ${schema}.request_return(%2$d0 + %1$d, 1, 2 + %2$d, ARRAY[-%2$d0 - %1$d], ARRAY[-%2$d0 - %1$d], '{%3$s}', NULL, NULL)"
              .replace("%2$d", "" + (300 + how.length()))
              .replace("%3$s", how));
    }
    calls.put("queue_tidy", "SELECT ${schema}.queue_tidy('{q1,q2,q9}')");
    calls.put("take_now", "SELECT ${schema}.take_now('q1', 2)");
    calls.put("take_leased", "SELECT ${schema}.take_leased('q1', 2, '1 ms')");
    calls.put("redrive", "SELECT ${schema}.redrive('q1', '{-100005}')");
    calls.put("purge", "SELECT ${schema}.purge('q2', 3)");
    calls.put("peek", "SELECT ${schema}.peek('q1', 2)");
    calls.put(
        "queue_report",
        "SELECT ${schema}.queue_report('{q1,q2}', '{1,1}', '{1,1}', '{1,1}', '{1,1}', '{1,1}')");
    Plans.assertNone(database, calls, scan -> !scan.startsWith("Index"), EXCEPTED);
  }

  @Test
  void aClaimCostsTheSameWithAThousandMessagesAsWithAMillion() throws SQLException {
    messages(11, 1000, "NULL");
    messages(12, 1_000_000, "NULL");
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      buffers(connection, "q11", 1); // what is read once for each connection
      buffers(connection, "q12", 2);
      long few = buffers(connection, "q11", 3);
      long many = buffers(connection, "q12", 4);
      assertThat(many).as("against " + few).isLessThan(few * 13 / 10);
      connection.rollback();
    }
  }

  private static long buffers(Connection connection, String queue, int claim) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet plan =
            statement.executeQuery(
                "EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM %s.take(9, %d, '%s', 10, NULL, false, NULL, NULL, NULL, false, false)"
                    .formatted(database.schema(), claim, queue))) {
      while (plan.next()) {
        Matcher buffers = BUFFERS.matcher(plan.getString(1));
        if (buffers.find()) {
          return number(buffers.group(1)) + number(buffers.group(2));
        }
      }
    }
    throw new IllegalStateException("no buffers");
  }

  private static long number(String digits) {
    return digits == null ? 0 : Long.parseLong(digits);
  }
}
