package dev.pgkeeper.internal.queue;

import dev.pgkeeper.internal.jdbc.Call;
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
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The functions of queues by their own names. */
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
    var unused =
        Call.of(
                schema,
                "ring_idle",
                Call.texts(queues),
                Call.array("int4", numbers, number -> number))
            .done()
            .apply(connection);
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
    return Call.columns(StoredMessage.columns("m"), schema, function, queue, most)
        .as("m")
        .rows(row -> StoredMessage.of(row, 1));
  }

  /** Under the dead letters with a message that the caller's transaction has taken. */
  SqlFunction<Boolean> bury(String queue, StoredMessage message, String error) {
    return Call.statement(
            "SELECT "
                + schema
                + "._bury(ROW(?, q.id, NULL, ?, ?, ?, NULL, ?, ?, ?, ?, ?)::"
                + schema
                + ".message, 'given up') FROM "
                + schema
                + ".queue q WHERE q.name OPERATOR(pg_catalog.=) ?",
            message.id(),
            message.priority(),
            message.tries() + 1,
            message.enqueued(),
            Call.time(message.expires()),
            message.key(),
            Call.texts(Batch.pairs(message.headers())),
            error,
            message.payload(),
            queue)
        .done();
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
    return Call.of(schema, "ack", claim, id, session).done();
  }

  SqlFunction<Boolean> claimSplit(long session, long claim, long id, long newClaim) {
    return Call.of(schema, "claim_split", session, claim, id, newClaim).isTrue();
  }

  SqlFunction<Boolean> extend(long session, long claim, Duration lease) {
    return Call.of(schema, "extend", claim, lease.toMillis(), session).isTrue();
  }

  /** Which of these claims are still there. */
  SqlFunction<Set<Long>> claimsThere(long session, List<Long> claims) {
    SqlFunction<List<Long>> there =
        Call.statement(
                "SELECT c.number FROM "
                    + schema
                    + ".claim c WHERE c.session OPERATOR(pg_catalog.=) ? AND c.number OPERATOR(pg_catalog.=) ANY (?)",
                session,
                Call.numbers(claims))
            .rows(row -> row.getLong(1));
    return connection -> new HashSet<>(there.apply(connection));
  }

  // From time to time.

  /**
   * What is to come in one queue.
   *
   * @param nextMs when a message has its time; null: none has one
   */
  record Tidied(String queue, @Nullable Long nextMs) {}

  SqlFunction<List<Tidied>> queueTidy(List<String> queues) {
    return Call.columns("queue, next_ms", schema, "queue_tidy", Call.texts(queues))
        .rows(row -> new Tidied(row.getString(1), row.getObject(2, Long.class)));
  }

  /** At which of these queues something waits. */
  SqlFunction<List<String>> queueSleep(long session, List<String> queues, boolean sleeps) {
    return Call.columns("*", schema, "queue_sleep", session, Call.texts(queues), sleeps)
        .rows(row -> row.getString(1));
  }

  SqlFunction<Boolean> claimsForget(long session, List<Long> known, long before) {
    return Call.of(schema, "claims_forget", session, Call.numbers(known), before).done();
  }

  SqlFunction<Boolean> queueReport(List<QueueCounts> counts) {
    return Call.of(
            schema,
            "queue_report",
            Call.array("text", counts, QueueCounts::queue),
            Call.array("int8", counts, QueueCounts::enqueued),
            Call.array("int8", counts, QueueCounts::taken),
            Call.array("int8", counts, QueueCounts::acked),
            Call.array("int8", counts, QueueCounts::returned),
            Call.array("int8", counts, QueueCounts::died))
        .done();
  }

  SqlFunction<List<QueueDepth>> queueDepths(Collection<String> queues) {
    return Call.statement(
            "SELECT queue, ready, behind, delayed, retrying, claimed, dead,"
                + " coalesce(extract(epoch FROM pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) waiting_since)"
                + " OPERATOR(pg_catalog.*) 1000.0, 0)::bigint"
                + " FROM "
                + schema
                + ".queues WHERE queue OPERATOR(pg_catalog.=) ANY (?)",
            Call.texts(queues))
        .rows(
            row ->
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

  // Looking after queues.

  SqlFunction<Boolean> queueCreate(String queue, QueueOptions options) {
    return Call.of(
            schema,
            "queue_create",
            queue,
            Call.integer(options.mostTries()),
            Call.bigint(millis(options.backoff())),
            Call.bigint(millis(options.longestBackoff())),
            Call.bigint(millis(options.deduplicationWindow())),
            Call.integer(options.mostBytes()))
        .done();
  }

  private static @Nullable Long millis(@Nullable Duration duration) {
    return duration == null ? null : duration.toMillis();
  }

  private static @Nullable Double seconds(@Nullable Duration duration) {
    return duration == null ? null : duration.toMillis() / 1000.0;
  }

  /** Empty: there is no such queue. */
  SqlFunction<Optional<QueueSize>> queueSize(String queue) {
    return Call.statement(
            "SELECT ready, delayed OPERATOR(pg_catalog.+) retrying, behind, claimed, dead FROM "
                + schema
                + ".queues WHERE queue OPERATOR(pg_catalog.=) ?",
            queue)
        .rowIfThere(
            row ->
                new QueueSize(
                    row.getLong(1),
                    row.getLong(2),
                    row.getLong(3),
                    row.getLong(4),
                    row.getLong(5)));
  }

  /** Reads whether a queue is paused, or null if there is no such queue. */
  SqlFunction<@Nullable Boolean> isPaused(String queue) {
    return Call.of(schema, "is_paused", queue).row(row -> row.getObject(1, Boolean.class));
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
    return Call.columns(
            "died, reason, (message).error, " + StoredMessage.columns("(message)"),
            schema,
            "dead_letters_of",
            queue,
            most)
        .rows(QueueCalls::deadLetter);
  }

  private static DeadLetter deadLetter(ResultSet row) throws SQLException {
    StoredMessage message = StoredMessage.of(row, 4);
    return new DeadLetter(
        message.id(),
        row.getTimestamp(1).toInstant(),
        row.getString(2),
        row.getString(3),
        message.payload(),
        message.headers(),
        message.tries(),
        message.key(),
        message.enqueued());
  }

  // Topics.

  SqlFunction<Boolean> subscribe(String topic, String subscription) {
    return Call.of(schema, "subscribe", topic, subscription).done();
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
    return Call.columns("*", schema, "subscriptions", topic).rows(row -> row.getString(1));
  }
}
