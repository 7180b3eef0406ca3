package dev.pgkeeper.internal.queue;

import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A message as the database has it.
 *
 * @param tries how often it was taken before
 */
record StoredMessage(
    long id,
    int priority,
    int tries,
    Instant enqueued,
    @Nullable Instant expires,
    @Nullable String key,
    Map<String, String> headers,
    byte[] payload) {

  /** The columns that {@link #of} reads, of a row of this alias. */
  static String columns(String alias) {
    return Stream.of("id", "priority", "tries", "enqueued", "expires", "key", "headers", "payload")
        .map(column -> alias + "." + column)
        .collect(Collectors.joining(", "));
  }

  /** The message whose columns begin here. */
  static StoredMessage of(ResultSet row, int first) throws SQLException {
    Timestamp expires = row.getTimestamp(first + 4);
    return new StoredMessage(
        row.getLong(first),
        row.getInt(first + 1),
        row.getInt(first + 2),
        row.getTimestamp(first + 3).toInstant(),
        expires == null ? null : expires.toInstant(),
        row.getString(first + 5),
        headers(row.getArray(first + 6)),
        row.getBytes(first + 7));
  }

  private static Map<String, String> headers(@Nullable Array pairs) throws SQLException {
    if (pairs == null) {
      return Map.of();
    }
    String[] texts = (String[]) pairs.getArray();
    Map<String, String> headers = new LinkedHashMap<>();
    for (int i = 0; i + 1 < texts.length; i += 2) {
      headers.put(texts[i], texts[i + 1]);
    }
    return Collections.unmodifiableMap(headers);
  }
}
