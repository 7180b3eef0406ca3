package dev.pgkeeper.internal.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A call of one of the schema's functions: its arguments in order, and then what is made of its
 * answer. Arguments are bound by their types; {@link #array}, {@link #texts} and {@link #numbers}
 * are for arrays, {@link #bigint} for a number that may be missing.
 *
 * <pre>{@code
 * Call.of(schema, "extend", claim, lease.toMillis(), session).isTrue()
 * }</pre>
 */
public final class Call {
  private final String sql;
  private final @Nullable Object[] arguments;
  private final Settings settings;

  private Call(String sql, @Nullable Object[] arguments, Settings settings) {
    this.sql = sql;
    this.arguments = arguments;
    this.settings = settings;
  }

  /** What is made of a row. */
  @FunctionalInterface
  public interface Reader<T extends @Nullable Object> {
    T read(ResultSet row) throws SQLException;
  }

  @FunctionalInterface
  private interface Settings {
    void set(PreparedStatement statement) throws SQLException;
  }

  private record Elements(String type, @Nullable Object[] values) {}

  private record Missing(int type) {}

  /** {@code SELECT schema.function(?, …)}. */
  public static Call of(String schema, String function, @Nullable Object... arguments) {
    return statement("SELECT " + invocation(schema, function, arguments), arguments);
  }

  /** {@code SELECT columns FROM schema.function(?, …)}. */
  public static Call columns(
      String columns, String schema, String function, @Nullable Object... arguments) {
    return statement(
        "SELECT " + columns + " FROM " + invocation(schema, function, arguments), arguments);
  }

  private static String invocation(String schema, String function, @Nullable Object[] arguments) {
    String places = String.join(", ", Collections.nCopies(arguments.length, "?"));
    return schema + "." + function + "(" + places + ")";
  }

  /** Whatever else is asked, with its arguments in the order of their places. */
  public static Call statement(String sql, @Nullable Object... arguments) {
    return new Call(sql, arguments, statement -> {});
  }

  /** One field of each as an array of this type. */
  public static <T> Object array(
      String type, Collection<T> all, Function<T, ? extends @Nullable Object> field) {
    return new Elements(type, all.stream().map(field).toArray());
  }

  public static Object texts(Collection<? extends @Nullable String> texts) {
    return new Elements("text", texts.toArray());
  }

  public static Object numbers(Collection<Long> numbers) {
    return new Elements("int8", numbers.toArray());
  }

  public static Object bigint(@Nullable Long number) {
    return number == null ? new Missing(Types.BIGINT) : number;
  }

  public static Object integer(@Nullable Integer number) {
    return number == null ? new Missing(Types.INTEGER) : number;
  }

  public static Object time(@Nullable Instant time) {
    return time == null ? new Missing(Types.TIMESTAMP_WITH_TIMEZONE) : time;
  }

  /** Returns this call of a function whose answer has a name in its columns. */
  public Call as(String name) {
    return new Call(sql + " AS " + name, arguments, settings);
  }

  /**
   * Returns this call with a batch size for its rows, and a time after which the server gives up.
   */
  public Call fetching(int rows, int seconds) {
    return new Call(
        sql,
        arguments,
        statement -> {
          statement.setFetchSize(rows);
          statement.setQueryTimeout(seconds);
        });
  }

  /** Whatever is answered. */
  public SqlFunction<Boolean> done() {
    return connection -> {
      try (PreparedStatement statement = prepared(connection)) {
        statement.execute();
        return true;
      }
    };
  }

  public SqlFunction<Boolean> isTrue() {
    return row(row -> row.getBoolean(1));
  }

  public SqlFunction<Long> number() {
    return row(row -> row.getLong(1));
  }

  public SqlFunction<@Nullable String> text() {
    return row(row -> row.getString(1));
  }

  /** The only row. */
  public <T extends @Nullable Object> SqlFunction<T> row(Reader<T> reader) {
    return answer(
        row -> {
          row.next();
          return reader.read(row);
        });
  }

  /** The only row, null if there is none. */
  @SuppressWarnings("NullAway") // does not infer that a lambda may return null
  public <T extends @Nullable Object> SqlFunction<@Nullable T> rowOrNull(Reader<T> reader) {
    return answer(row -> row.next() ? reader.read(row) : null);
  }

  /** The only row, empty if there is none. */
  public <T> SqlFunction<Optional<T>> rowIfThere(Reader<T> reader) {
    return answer(row -> row.next() ? Optional.of(reader.read(row)) : Optional.empty());
  }

  public <T> SqlFunction<List<T>> rows(Reader<T> reader) {
    return answer(
        rows -> {
          List<T> read = new ArrayList<>();
          while (rows.next()) {
            read.add(reader.read(rows));
          }
          return read;
        });
  }

  public <K, V> SqlFunction<Map<K, V>> rowsBy(Reader<K> key, Reader<V> value) {
    return answer(
        rows -> {
          Map<K, V> read = new HashMap<>();
          while (rows.next()) {
            read.put(key.read(rows), value.read(rows));
          }
          return read;
        });
  }

  /** What is made of all rows, from before the first one on. */
  private <T extends @Nullable Object> SqlFunction<T> answer(Reader<T> reader) {
    return connection -> {
      try (PreparedStatement statement = prepared(connection);
          ResultSet rows = statement.executeQuery()) {
        return reader.read(rows);
      }
    };
  }

  private PreparedStatement prepared(Connection connection) throws SQLException {
    PreparedStatement statement = connection.prepareStatement(sql);
    try {
      settings.set(statement);
      for (int i = 0; i < arguments.length; i++) {
        bind(statement, i + 1, arguments[i]);
      }
      return statement;
    } catch (SQLException | RuntimeException e) {
      statement.close();
      throw e;
    }
  }

  static void bind(PreparedStatement statement, int place, @Nullable Object argument)
      throws SQLException {
    if (argument == null) {
      statement.setNull(place, Types.VARCHAR);
    } else if (argument instanceof Missing missing) {
      statement.setNull(place, missing.type());
    } else if (argument instanceof Elements array) {
      statement.setArray(
          place, statement.getConnection().createArrayOf(array.type(), array.values()));
    } else if (argument instanceof Instant time) {
      statement.setObject(place, time.atOffset(ZoneOffset.UTC));
    } else if (argument instanceof byte[] bytes) {
      statement.setBytes(place, bytes);
    } else {
      statement.setObject(place, argument);
    }
  }
}
