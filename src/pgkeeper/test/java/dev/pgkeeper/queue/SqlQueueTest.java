package dev.pgkeeper.queue;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;

/** What tests of the queue functions share: a queue of its own for each test, and short words. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
abstract class SqlQueueTest {

  private static final AtomicLong COUNTER = new AtomicLong();

  static TestDatabase database;

  String queue = "";
  long session;
  private long claim;

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void drop() {
    database.close();
  }

  @BeforeEach
  void createQueue() {
    queue = "q" + COUNTER.incrementAndGet();
    ask("SELECT ${schema}.queue_create('" + queue + "', 3, 0, 0, 60000, 100)");
    session = openSession();
  }

  static long openSession() {
    return database.queryLong("SELECT ${schema}.session_open(600000, 60000, false, 'c', 'h', 1)");
  }

  static String ask(String sql) {
    return database.queryString(sql);
  }

  static String ask(Connection connection, String sql) {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql.replace("${schema}", database.schema()))) {
      row.next();
      return row.getString(1);
    } catch (SQLException e) {
      throw new IllegalStateException(sql + ": " + e.getMessage(), e);
    }
  }

  final String enqueue(String payload) {
    return enqueue(payload, "");
  }

  /** The number of the message; arguments as {@code , in_key => 'a'}. */
  final String enqueue(String payload, String arguments) {
    return ask(enqueueCall(payload, arguments));
  }

  final String enqueueCall(String payload, String arguments) {
    return "SELECT ${schema}.enqueue('" + queue + "', '" + payload + "'" + arguments + ")";
  }

  /** Takes so many; the payloads, or whether it sleeps. */
  final String take(int count) {
    return ask(takeCall(session, count, "NULL, false, NULL, NULL, NULL, true, false"));
  }

  /** Acks whole claims, and takes one. */
  final String takeAfter(String done) {
    return ask(takeCall(session, 1, "NULL, false, '" + done + "', NULL, NULL, true, false"));
  }

  final String takeCall(long by, int count, String rest) {
    claim++;
    return takeCall(by, claim, count, rest);
  }

  final String takeCall(long by, long number, int count, String rest) {
    return "SELECT coalesce('refused ' || array_to_string(t.refused, ',') || ': ', '')"
        + " || coalesce((SELECT string_agg(convert_from(m.payload, 'UTF8'), ',') FROM unnest(t.messages) m),"
        + " CASE WHEN t.asleep THEN 'sleeps' ELSE 'nothing' END) FROM ${schema}.take("
        + "%d, %d, '%s', %d, %s) AS t".formatted(by, number, queue, count, rest);
  }

  /** The number of the last claim. */
  final long claim() {
    return claim;
  }

  /** Gives the message with this payload back; ok or refused. */
  final String giveBack(String payload, String how, String delay) {
    return ask(
        "SELECT (r.outcomes)[1].code FROM (SELECT c.session, c.number, m.id FROM ${schema}.claim c JOIN ${schema}.queue q ON q.id = c.queue, unnest(c.messages) m"
            + " WHERE q.name = '%4$s' AND convert_from(m.payload, 'UTF8') = '%1$s' AND m.id = ANY (c.ids)) f, ${schema}.request_return(f.session, 1, (SELECT last_value FROM ${schema}.zxid) + nextval('${schema}.zxid'), ARRAY[f.number], ARRAY[f.id], '{%2$s}', ARRAY[%3$s::bigint], '{broken}') r"
                .formatted(payload, how, delay, queue));
  }

  /** The call that acks a message in a transaction. */
  final String ackCall(String payload) {
    return ask("SELECT concat_ws(',', c.number, m.id, c.session) FROM ${schema}.claim c JOIN ${schema}.queue q ON q.id = c.queue, unnest(c.messages) m"
            + " WHERE q.name = '"
            + queue
            + "' AND convert_from(m.payload, 'UTF8') = '"
            + payload
            + "' AND m.id = ANY (c.ids)")
        .transform(arguments -> "SELECT ${schema}.ack(" + arguments + ")");
  }

  static final String TIDY = "SELECT count(*) FROM ${schema}.queue_tidy('{%s}')";

  final void tidy() {
    ask(TIDY.formatted(queue));
  }

  /** Tidies until this is so. */
  final void tidyUntil(String what, String query) {
    Await.until(
        what,
        () -> {
          tidy();
          return "t".equals(ask(query));
        });
  }

  /** ready behind delayed retrying claimed dead. */
  final String places() {
    return ask(
        "SELECT concat_ws(' ', ready, behind, delayed, retrying, claimed, dead) FROM ${schema}.queues WHERE queue = '"
            + queue
            + "'");
  }

  static void awaitOneBlocked(String what) {
    Await.until(
        what + " waits",
        () ->
            database.queryLong(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%"
                        + database.schema()
                        + ".%"
                        + what
                        + "%'")
                > 0);
  }
}
