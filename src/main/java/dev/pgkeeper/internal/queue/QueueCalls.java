package dev.pgkeeper.internal.queue;

import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.Outcome;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import dev.pgkeeper.internal.observe.QueueCounts;
import dev.pgkeeper.internal.observe.QueueDepth;
import dev.pgkeeper.queue.DeadLetter;
import dev.pgkeeper.queue.QueueOptions;
import dev.pgkeeper.queue.QueueSize;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The functions of V010 by their own names. */
final class QueueCalls {
  private final String schema;
  private final String takeSql;

  QueueCalls(String schema) {
    this.schema = schema;
    this.takeSql =
        "SELECT t.refused, t.asleep, t.next_ms, "
            + StoredMessage.columns("m")
            + " FROM "
            + schema
            + ".take(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) AS t"
            + " LEFT JOIN LATERAL pg_catalog.unnest(t.messages) AS m ON true";
  }

  // Enqueueing.

  String requestEnqueueSql() {
    return "SELECT (outcome).*, watched FROM " + schema + ".request_enqueue(?, ?, ?, ?, ?)";
  }

  static void bind(PreparedStatement statement, int first, String queue, byte[][] payloads)
      throws SQLException {
    statement.setString(first, queue);
    statement.setArray(first + 1, statement.getConnection().createArrayOf("bytea", payloads));
  }

  String requestEnqueueAllSql() {
    return "SELECT o.*, watched FROM "
        + schema
        + ".request_enqueue_all(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), pg_catalog.unnest(outcomes) AS o";
  }

  /** In the caller's transaction. */
  SqlFunction<List<Outcome>> enqueueAll(Batch batch) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT o.* FROM pg_catalog.unnest("
                  + schema
                  + ".enqueue_all(?, ?, ?, ?, ?, ?, ?, ?, ?)) AS o")) {
        batch.bind(statement, 1);
        return Outcome.allOf(statement);
      }
    };
  }

  void ringIdle(Connection connection, Collection<String> queues, Collection<Integer> numbers)
      throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement("SELECT " + schema + ".ring_idle(?, ?)")) {
      statement.setArray(1, connection.createArrayOf("text", queues.toArray()));
      statement.setArray(2, connection.createArrayOf("int4", numbers.toArray()));
      statement.execute();
    }
  }

  // Taking, acking, giving back.

  /**
   * What one call takes and acks.
   *
   * @param claim its number, and the first of as many as it takes if they are to be apart
   */
  record Take(
      String queue,
      long claim,
      int most,
      @Nullable Duration lease,
      boolean apart,
      List<Long> done,
      List<Long> doneClaims,
      List<Long> doneIds,
      boolean sleeps) {}

  /**
   * What it answered.
   *
   * @param refused numbers of claims, and of messages, that could not be acked
   * @param asleep a ring will come when there is something
   * @param nextMs when a message has its time; null: none has one
   */
  record Taken(
      Set<Long> refused, boolean asleep, @Nullable Long nextMs, List<StoredMessage> messages) {}

  Database.Repeatable<Taken> take(long session, Take take) {
    return (connection, again) -> {
      try (PreparedStatement statement = connection.prepareStatement(takeSql)) {
        statement.setLong(1, session);
        statement.setLong(2, take.claim);
        statement.setString(3, take.queue);
        statement.setInt(4, take.most);
        statement.setObject(5, take.lease == null ? null : take.lease.toMillis(), Types.BIGINT);
        statement.setBoolean(6, take.apart);
        numbers(statement, 7, take.done);
        numbers(statement, 8, take.doneClaims);
        numbers(statement, 9, take.doneIds);
        statement.setBoolean(10, take.sleeps);
        statement.setBoolean(11, again);
        try (ResultSet rows = statement.executeQuery()) {
          return taken(rows, take.most);
        }
      }
    };
  }

  private static Taken taken(ResultSet rows, int most) throws SQLException {
    Set<Long> refused = Set.of();
    boolean asleep = false;
    Long nextMs = null;
    List<StoredMessage> messages = new ArrayList<>(Math.min(most, 16));
    while (rows.next()) {
      if (rows.isFirst()) {
        refused = numbers(rows, 1);
        asleep = rows.getBoolean(2);
        nextMs = rows.getObject(3, Long.class);
      }
      if (rows.getObject(4) != null) {
        messages.add(StoredMessage.of(rows, 4));
      }
    }
    return new Taken(refused, asleep, nextMs, messages);
  }

  /** Null where there is none: the function is quicker then. */
  private static void numbers(PreparedStatement statement, int at, List<Long> numbers)
      throws SQLException {
    statement.setArray(
        at,
        numbers.isEmpty()
            ? null
            : statement.getConnection().createArrayOf("int8", numbers.toArray()));
  }

  private static Set<Long> numbers(ResultSet row, int column) throws SQLException {
    java.sql.Array array = row.getArray(column);
    return array == null ? Set.of() : new HashSet<>(Arrays.asList((Long[]) array.getArray()));
  }

  SqlFunction<List<StoredMessage>> takeNow(String queue, int most) {
    return messages("take_now", queue, most);
  }

  SqlFunction<List<StoredMessage>> peek(String queue, int most) {
    return messages("peek", queue, most);
  }

  private SqlFunction<List<StoredMessage>> messages(String function, String queue, int most) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT "
                  + StoredMessage.columns("m")
                  + " FROM "
                  + schema
                  + "."
                  + function
                  + "(?, ?) AS m")) {
        statement.setString(1, queue);
        statement.setInt(2, most);
        List<StoredMessage> messages = new ArrayList<>();
        try (ResultSet rows = statement.executeQuery()) {
          while (rows.next()) {
            messages.add(StoredMessage.of(rows, 1));
          }
        }
        return messages;
      }
    };
  }

  /** Under the dead letters with a message that the caller's transaction has taken. */
  SqlFunction<Boolean> bury(String queue, StoredMessage message, String error) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT "
                  + schema
                  + ".bury(ROW(?, q.id, NULL, ?, ?, ?, NULL, ?, ?, ?, ?, ?)::"
                  + schema
                  + ".message, 'given up') FROM "
                  + schema
                  + ".queue q WHERE q.name = ?")) {
        statement.setLong(1, message.id());
        statement.setInt(2, message.priority());
        statement.setInt(3, message.tries() + 1);
        statement.setObject(4, message.enqueued().atOffset(java.time.ZoneOffset.UTC));
        statement.setObject(
            5,
            message.expires() == null ? null : message.expires().atOffset(java.time.ZoneOffset.UTC),
            Types.TIMESTAMP_WITH_TIMEZONE);
        statement.setString(6, message.key());
        statement.setArray(7, connection.createArrayOf("text", Batch.pairs(message.headers())));
        statement.setString(8, error);
        statement.setBytes(9, message.payload());
        statement.setString(10, queue);
        return statement.execute();
      }
    };
  }

  String requestReturnSql() {
    return "SELECT o.*, watched FROM "
        + schema
        + ".request_return(?, ?, ?, ?, ?, ?, ?, ?), pg_catalog.unnest(outcomes) AS o";
  }

  static void bind(PreparedStatement statement, int first, List<Return> returns)
      throws SQLException {
    Database.array(statement, first, "int8", returns, one -> one.claimed().claim().number);
    Database.array(statement, first + 1, "int8", returns, one -> one.claimed().id());
    Database.array(statement, first + 2, "text", returns, one -> one.how().sql());
    Database.array(statement, first + 3, "int8", returns, Return::delayMs);
    Database.array(statement, first + 4, "text", returns, Return::error);
  }

  SqlFunction<Boolean> ack(long session, long claim, long id) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".ack(?, ?, ?)")) {
        statement.setLong(1, claim);
        statement.setLong(2, id);
        statement.setLong(3, session);
        return statement.execute();
      }
    };
  }

  SqlFunction<Boolean> claimSplit(long session, long claim, long id, long newClaim) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".claim_split(?, ?, ?, ?)")) {
        statement.setLong(1, session);
        statement.setLong(2, claim);
        statement.setLong(3, id);
        statement.setLong(4, newClaim);
        return is(statement);
      }
    };
  }

  SqlFunction<Boolean> extend(long session, long claim, Duration lease) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".extend(?, ?, ?)")) {
        statement.setLong(1, claim);
        statement.setLong(2, lease.toMillis());
        statement.setLong(3, session);
        return is(statement);
      }
    };
  }

  /** Which of these claims are still there. */
  SqlFunction<Set<Long>> claimsThere(long session, List<Long> claims) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT c.number FROM "
                  + schema
                  + ".claim c WHERE c.session = ? AND c.number = ANY (?)")) {
        statement.setLong(1, session);
        numbers(statement, 2, claims);
        Set<Long> there = new HashSet<>();
        try (ResultSet rows = statement.executeQuery()) {
          while (rows.next()) {
            there.add(rows.getLong(1));
          }
        }
        return there;
      }
    };
  }

  // From time to time.

  /**
   * What is to come in one queue.
   *
   * @param nextMs when a message has its time; null: none has one
   */
  record Tidied(String queue, @Nullable Long nextMs) {}

  SqlFunction<List<Tidied>> queueTidy(List<String> queues) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT queue, next_ms FROM " + schema + ".queue_tidy(?)")) {
        statement.setArray(1, Database.textArray(connection, queues));
        List<Tidied> tidied = new ArrayList<>();
        try (ResultSet rows = statement.executeQuery()) {
          while (rows.next()) {
            tidied.add(new Tidied(rows.getString(1), rows.getObject(2, Long.class)));
          }
        }
        return tidied;
      }
    };
  }

  /** At which of these queues something waits. */
  SqlFunction<List<String>> queueSleep(long session, List<String> queues, boolean sleeps) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT * FROM " + schema + ".queue_sleep(?, ?, ?)")) {
        statement.setLong(1, session);
        statement.setArray(2, Database.textArray(connection, queues));
        statement.setBoolean(3, sleeps);
        return texts(statement);
      }
    };
  }

  SqlFunction<Boolean> claimsForget(long session, List<Long> known, long before) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".claims_forget(?, ?, ?)")) {
        statement.setLong(1, session);
        statement.setArray(2, connection.createArrayOf("int8", known.toArray()));
        statement.setLong(3, before);
        return statement.execute();
      }
    };
  }

  private static List<String> texts(PreparedStatement statement) throws SQLException {
    List<String> texts = new ArrayList<>();
    try (ResultSet rows = statement.executeQuery()) {
      while (rows.next()) {
        texts.add(rows.getString(1));
      }
    }
    return texts;
  }

  SqlFunction<Boolean> queueReport(List<QueueCounts> counts) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".queue_report(?, ?, ?, ?, ?, ?)")) {
        Database.array(statement, 1, "text", counts, QueueCounts::queue);
        Database.array(statement, 2, "int8", counts, QueueCounts::enqueued);
        Database.array(statement, 3, "int8", counts, QueueCounts::taken);
        Database.array(statement, 4, "int8", counts, QueueCounts::acked);
        Database.array(statement, 5, "int8", counts, QueueCounts::returned);
        Database.array(statement, 6, "int8", counts, QueueCounts::died);
        return statement.execute();
      }
    };
  }

  SqlFunction<List<QueueDepth>> queueDepths(Collection<String> queues) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT queue, ready, behind, delayed, retrying, claimed, dead,"
                  + " coalesce(extract(epoch FROM pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) waiting_since)"
                  + " OPERATOR(pg_catalog.*) 1000.0, 0)::bigint"
                  + " FROM "
                  + schema
                  + ".queues WHERE queue OPERATOR(pg_catalog.=) ANY (?)")) {
        statement.setArray(1, Database.textArray(connection, new ArrayList<>(queues)));
        List<QueueDepth> depths = new ArrayList<>();
        try (ResultSet row = statement.executeQuery()) {
          while (row.next()) {
            depths.add(
                new QueueDepth(
                    row.getString(1),
                    row.getLong(2),
                    row.getLong(3),
                    row.getLong(4),
                    row.getLong(5),
                    row.getLong(6),
                    row.getLong(7),
                    Duration.ofMillis(Math.max(0, row.getLong(8)))));
          }
        }
        return depths;
      }
    };
  }

  // Looking after queues.

  SqlFunction<Boolean> queueCreate(String queue, QueueOptions options) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".queue_create(?, ?, ?, ?, ?, ?)")) {
        statement.setString(1, queue);
        statement.setObject(2, options.mostTries(), Types.INTEGER);
        statement.setObject(3, millis(options.backoff()), Types.BIGINT);
        statement.setObject(4, millis(options.longestBackoff()), Types.BIGINT);
        statement.setObject(5, millis(options.deduplicationWindow()), Types.BIGINT);
        statement.setObject(6, options.mostBytes(), Types.INTEGER);
        return statement.execute();
      }
    };
  }

  private static @Nullable Long millis(@Nullable Duration duration) {
    return duration == null ? null : duration.toMillis();
  }

  private static @Nullable Double seconds(@Nullable Duration duration) {
    return duration == null ? null : duration.toMillis() / 1000.0;
  }

  /** Null: there is no such queue. */
  @SuppressWarnings("NullAway") // does not infer that a lambda may return null
  SqlFunction<@Nullable QueueSize> queueSize(String queue) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT ready, delayed + retrying, behind, claimed, dead FROM "
                  + schema
                  + ".queues WHERE queue = ?")) {
        statement.setString(1, queue);
        try (ResultSet row = statement.executeQuery()) {
          return row.next()
              ? new QueueSize(
                  row.getLong(1), row.getLong(2), row.getLong(3), row.getLong(4), row.getLong(5))
              : null;
        }
      }
    };
  }

  /** Null: there is no such queue. */
  SqlFunction<@Nullable Boolean> isPaused(String queue) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".is_paused(?)")) {
        statement.setString(1, queue);
        try (ResultSet row = statement.executeQuery()) {
          row.next();
          return row.getObject(1, Boolean.class);
        }
      }
    };
  }

  private static boolean is(PreparedStatement statement) throws SQLException {
    try (ResultSet row = statement.executeQuery()) {
      row.next();
      return row.getBoolean(1);
    }
  }

  String requestAdministerSql() {
    return "SELECT (outcome).*, watched FROM "
        + schema
        + ".request_administer(?, ?, ?, ?, ?, ?, pg_catalog.make_interval(secs => ?), ?)";
  }

  static void bind(PreparedStatement statement, int first, Administration order)
      throws SQLException {
    long[] ids = order.ids();
    statement.setString(first, order.what().sql());
    statement.setString(first + 1, order.queue());
    statement.setArray(
        first + 2,
        ids == null
            ? null
            : statement
                .getConnection()
                .createArrayOf("int8", Arrays.stream(ids).boxed().toArray()));
    statement.setObject(first + 3, seconds(order.older()), Types.DOUBLE);
    statement.setString(first + 4, order.subscription());
  }

  SqlFunction<List<DeadLetter>> deadLetters(String queue, int most) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT died, reason, (message).error, "
                  + StoredMessage.columns("(message)")
                  + " FROM "
                  + schema
                  + ".dead_letters_of(?, ?)")) {
        statement.setString(1, queue);
        statement.setInt(2, most);
        List<DeadLetter> letters = new ArrayList<>();
        try (ResultSet rows = statement.executeQuery()) {
          while (rows.next()) {
            StoredMessage message = StoredMessage.of(rows, 4);
            letters.add(
                new DeadLetter(
                    message.id(),
                    rows.getTimestamp(1).toInstant(),
                    rows.getString(2),
                    rows.getString(3),
                    message.payload(),
                    message.headers(),
                    message.tries(),
                    message.key(),
                    message.enqueued()));
          }
        }
        return letters;
      }
    };
  }

  // Topics.

  SqlFunction<Boolean> subscribe(String topic, String subscription) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".subscribe(?, ?)")) {
        statement.setString(1, topic);
        statement.setString(2, subscription);
        return statement.execute();
      }
    };
  }

  String requestPublishSql() {
    return "SELECT o.*, watched FROM "
        + schema
        + ".request_publish(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), pg_catalog.unnest(outcomes) AS o";
  }

  /** In the caller's transaction. */
  SqlFunction<List<Outcome>> publishAll(Batch message) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT o.* FROM pg_catalog.unnest("
                  + schema
                  + ".publish_all(?, ?, ?, ?, ?, ?, ?, ?, ?)) AS o")) {
        message.bindOnly(statement, 1);
        return Outcome.allOf(statement);
      }
    };
  }

  /** The names of their queues. */
  SqlFunction<List<String>> subscriptions(String topic) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT * FROM " + schema + ".subscriptions(?)")) {
        statement.setString(1, topic);
        return texts(statement);
      }
    };
  }
}
