package dev.pgkeeper.queue;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.pgkeeper.queue.MessageBook.Taken;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Array;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * One consumer's connection, which does to the queues what a test tells it, step by step, and
 * writes into a {@link MessageBook} what it is told. A statement that fails is a violation too.
 */
final class SqlScript implements AutoCloseable {
  private static final String OPEN =
      "SELECT ${schema}.session_open(600000, 60000, false, 'c', 'h', 1)";

  private final TestDatabase database;
  private final MessageBook book;
  private final Connection connection;
  private final long session;
  private long claims;

  SqlScript(TestDatabase database, MessageBook book) throws SQLException {
    this.database = database;
    this.book = book;
    this.connection = database.connect();
    this.session = database.queryLong(OPEN);
  }

  /** Enqueues a message of the one key {@code k}, as the one of this number. */
  void enqueueKeyed(int number, int priority) throws SQLException {
    enqueue(
        MessageBook.KEYED,
        "m" + number + "|k|" + number,
        array("integer", new Integer[] {priority}),
        array("text", new String[] {"k"}));
  }

  /** Enqueues one message without a key. */
  void enqueuePlain() throws SQLException {
    enqueue(MessageBook.PLAIN, "m", null, null);
  }

  private void enqueue(String queue, String payload, Array priorities, Array keys)
      throws SQLException {
    if (ask(
            "SELECT 1 FROM ${schema}.enqueue_all(ARRAY[?], ARRAY[?::bytea], ?, NULL, ?)",
            queue,
            payload.getBytes(UTF_8),
            priorities,
            keys)
        != null) {
      book.enqueued(List.of(payload));
    }
  }

  /** Takes at most so many, under one claim. */
  List<Taken> take(String queue, int count) throws SQLException {
    return take(queue, count, List.of());
  }

  /** Acks these, which are a whole claim. */
  void ackWholeClaim(List<Taken> done) throws SQLException {
    take(MessageBook.PLAIN, 0, done);
    ask("SELECT ${schema}.claims_forget(?, '{}', ?)", session, claims + 1);
  }

  private List<Taken> take(String queue, int count, List<Taken> done) throws SQLException {
    done.forEach(book::ended);
    claims++;
    List<String[]> rows =
        ask(
            "SELECT t.refused, m.id, convert_from(m.payload, 'UTF8')"
                + " FROM ${schema}.take(?, ?, ?, ?, NULL, false, ?, NULL, NULL, false, false) t"
                + " LEFT JOIN LATERAL unnest(t.messages) AS m ON true",
            session,
            claims,
            queue,
            count,
            done.isEmpty()
                ? null
                : array("bigint", done.stream().map(Taken::claim).distinct().toArray()));
    List<Taken> taken = new ArrayList<>();
    if (rows == null) {
      return taken;
    }
    done.forEach(book::acknowledged);
    for (String[] row : rows) {
      if (row[1] != null) {
        taken.add(new Taken(claims, Long.parseLong(row[1]), row[2]));
        book.begun(taken.get(taken.size() - 1));
      }
    }
    return taken;
  }

  void ack(Taken taken) throws SQLException {
    book.ended(taken);
    if (ask("SELECT ${schema}.ack(?, ?, ?)", taken.claim(), taken.id(), session) != null) {
      book.acknowledged(taken);
    }
  }

  /** Acks what is no longer this session's. */
  void ackStale(Taken taken) throws SQLException {
    try {
      execute("SELECT ${schema}.ack(?, ?, ?)", taken.claim(), taken.id(), session);
      book.violate("a stale ack counted: " + taken);
    } catch (SQLException e) {
      if (!"PK003".equals(e.getSQLState())) {
        throw e;
      }
    }
  }

  void release(Taken taken) throws SQLException {
    book.ended(taken);
    ask(
        "SELECT 1 FROM ${schema}.request_return(?, 1, 1, ARRAY[?], ARRAY[?], ARRAY['release'], NULL, NULL)",
        session,
        taken.claim(),
        taken.id());
  }

  void endSession() throws SQLException {
    book.endedAll();
    ask("SELECT ${schema}.session_end(?)", session);
  }

  /** Takes one without a session, under a lease that ends at once. */
  void takeUntilNow() throws SQLException {
    ask("SELECT 1 FROM ${schema}.take_leased(?, 1, '1 min')", MessageBook.PLAIN);
    database.execute("UPDATE ${schema}.claim SET until = clock_timestamp() WHERE session = 0");
  }

  void tidy() throws SQLException {
    ask("SELECT 1 FROM ${schema}.queue_tidy(ARRAY[?, ?])", MessageBook.PLAIN, MessageBook.KEYED);
  }

  void begin() throws SQLException {
    connection.setAutoCommit(false);
  }

  void commit() throws SQLException {
    connection.commit();
    connection.setAutoCommit(true);
  }

  /**
   * Takes and acks message after message. Nothing here waits for a moment, and nobody else holds
   * anything: what is not handed out now never is.
   */
  void takeAll() throws SQLException {
    for (String queue : List.of(MessageBook.PLAIN, MessageBook.KEYED)) {
      tidy();
      List<Taken> taken = take(queue, 1);
      // What stays where it is although it was taken would come again and again.
      while (!taken.isEmpty() && book.violations().isEmpty()) {
        ack(taken.get(0));
        taken = take(queue, 1);
      }
    }
  }

  /** Null, and a violation, if the statement fails. */
  private List<String[]> ask(String sql, Object... arguments) throws SQLException {
    try {
      return execute(sql, arguments);
    } catch (SQLException e) {
      book.violate("failed: " + e.getMessage());
      if (!connection.getAutoCommit()) {
        connection.rollback();
      }
      return null;
    }
  }

  private List<String[]> execute(String sql, Object... arguments) throws SQLException {
    return SqlRows.of(connection, database, sql, arguments);
  }

  private Array array(String type, Object[] elements) throws SQLException {
    return connection.createArrayOf(type, elements);
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
