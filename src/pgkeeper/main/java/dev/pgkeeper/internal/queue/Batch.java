package dev.pgkeeper.internal.queue;

import dev.pgkeeper.Codec;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.jdbc.Outcome;
import dev.pgkeeper.queue.Enqueued;
import dev.pgkeeper.queue.Outgoing;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Messages on their way into queues, as the columns that R__18_enqueueing.sql takes; null for a
 * column that none of them uses, because that is quicker.
 */
record Batch(
    String[] queues,
    byte[][] payloads,
    Integer @Nullable [] priorities,
    Long @Nullable [] delaysMs,
    String @Nullable [] keys,
    String @Nullable [] headers,
    Long @Nullable [] livesMs,
    String @Nullable [] deduplicationKeys,
    String @Nullable [] notBefore) {

  /** Nothing but payloads, for one queue. */
  static Batch plain(String queue, byte[][] payloads) {
    String[] queues = new String[payloads.length];
    Arrays.fill(queues, queue);
    return new Batch(queues, payloads, null, null, null, null, null, null, null);
  }

  static <T> Batch of(String queue, Codec<T> codec, List<Outgoing<T>> messages) {
    byte[][] payloads =
        messages.stream().map(one -> encode(codec, one.body())).toArray(byte[][]::new);
    return new Batch(
        plain(queue, payloads).queues,
        payloads,
        column(messages, new Integer[0], one -> one.priority() == 0 ? null : one.priority()),
        column(messages, new Long[0], one -> one.delay().isZero() ? null : delayMs(one)),
        column(messages, new String[0], Outgoing::key),
        column(messages, new String[0], one -> literal(one.headers())),
        column(
            messages,
            new Long[0],
            one -> one.timeToLive() == null ? null : one.timeToLive().toMillis()),
        column(messages, new String[0], Outgoing::deduplicationKey),
        column(messages, new String[0], Batch::notBefore));
  }

  /** Never earlier than asked for. */
  private static long delayMs(Outgoing<?> message) {
    return message.delay().plusNanos(999_999).toMillis();
  }

  /** As PostgreSQL reads it, which knows microseconds. */
  private static @Nullable String notBefore(Outgoing<?> message) {
    Instant moment = message.notBefore();
    return moment == null ? null : moment.plusNanos(999).truncatedTo(ChronoUnit.MICROS).toString();
  }

  static <T> byte[] encode(Codec<T> codec, T body) {
    return Objects.requireNonNull(
        codec.encode(Objects.requireNonNull(body, "body")), "what the codec made of the body");
  }

  @SuppressWarnings("NullAway") // arrays of what may be null
  private static <T, V> V @Nullable [] column(
      List<Outgoing<T>> messages, V[] type, Function<Outgoing<T>, @Nullable V> value) {
    List<V> values = messages.stream().map(value).toList();
    return values.stream().allMatch(Objects::isNull) ? null : values.toArray(type);
  }

  /** Name, value, name, … */
  static List<String> pairs(Map<String, String> headers) {
    return headers.entrySet().stream()
        .flatMap(header -> Stream.of(header.getKey(), header.getValue()))
        .toList();
  }

  /** The pairs as PostgreSQL writes an array. */
  private static @Nullable String literal(Map<String, String> headers) {
    if (headers.isEmpty()) {
      return null;
    }
    StringBuilder literal = new StringBuilder("{");
    for (String text : pairs(headers)) {
      String escaped = text.replace("\\", "\\\\").replace("\"", "\\\"");
      literal.append(literal.length() > 1 ? "," : "").append('"').append(escaped).append('"');
    }
    return literal.append('}').toString();
  }

  /**
   * What became of each, from the answer: where none can be a duplicate, that has only the first.
   */
  List<Enqueued> enqueued(List<Outcome> outcomes) {
    if (deduplicationKeys == null) {
      long first = outcomes.get(0).number();
      return LongStream.range(first, first + payloads.length)
          .mapToObj(id -> new Enqueued(id, false))
          .toList();
    }
    return outcomes.stream()
        .map(one -> new Enqueued(one.number(), one.code() == KeeperException.Code.DUPLICATE))
        .toList();
  }

  void bind(PreparedStatement statement, int first) throws SQLException {
    Connection connection = statement.getConnection();
    statement.setArray(first, connection.createArrayOf("text", queues));
    statement.setArray(first + 1, connection.createArrayOf("bytea", payloads));
    array(statement, first + 2, "int4", priorities);
    array(statement, first + 3, "int8", delaysMs);
    array(statement, first + 4, "text", keys);
    array(statement, first + 5, "text", headers);
    array(statement, first + 6, "int8", livesMs);
    array(statement, first + 7, "text", deduplicationKeys);
    array(statement, first + 8, "timestamptz", notBefore);
  }

  /** The only message, for the topic that is named instead of a queue. */
  void bindOnly(PreparedStatement statement, int first) throws SQLException {
    statement.setString(first, queues[0]);
    statement.setBytes(first + 1, payloads[0]);
    only(statement, first + 2, Types.INTEGER, priorities);
    only(statement, first + 3, Types.BIGINT, delaysMs);
    only(statement, first + 4, Types.VARCHAR, keys);
    only(statement, first + 5, Types.VARCHAR, headers);
    only(statement, first + 6, Types.BIGINT, livesMs);
    only(statement, first + 7, Types.VARCHAR, deduplicationKeys);
    only(statement, first + 8, Types.OTHER, notBefore);
  }

  private static void only(
      PreparedStatement statement, int at, int type, Object @Nullable [] values)
      throws SQLException {
    statement.setObject(at, values == null ? null : values[0], type);
  }

  private static void array(
      PreparedStatement statement, int at, String type, Object @Nullable [] values)
      throws SQLException {
    statement.setArray(
        at, values == null ? null : statement.getConnection().createArrayOf(type, values));
  }
}
