package dev.pgkeeper.doctor;

import dev.pgkeeper.internal.jdbc.Database;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGStatement;

/** The database that is examined, by what its clients connect with. */
record Patient(
    DataSource dataSource,
    Database database,
    Connection connection,
    DoctorOptions options,
    Clock clock) {

  /** Reads the row that a result has reached. */
  @FunctionalInterface
  interface Reader<T> {
    T read(ResultSet row) throws SQLException;
  }

  String schema() {
    return options.schema();
  }

  /** The first row of an answer; empty if there is none. */
  <T> Optional<T> ask(String sql, Reader<T> reader, @Nullable Object... parameters)
      throws SQLException {
    return ask(connection, sql, reader, parameters);
  }

  static <T> Optional<T> ask(
      Connection connection, String sql, Reader<T> reader, @Nullable Object... parameters)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      if (statement.isWrapperFor(PGStatement.class)) {
        // a prepared statement of the server's does not survive every pooler
        statement.unwrap(PGStatement.class).setPrepareThreshold(0);
      }
      for (int i = 0; i < parameters.length; i++) {
        statement.setObject(i + 1, parameters[i]);
      }
      try (ResultSet row = statement.executeQuery()) {
        return row.next() ? Optional.of(reader.read(row)) : Optional.empty();
      }
    }
  }

  boolean isTrue(String sql, @Nullable Object... parameters) throws SQLException {
    return ask(sql, row -> row.getBoolean(1), parameters).orElse(false);
  }

  /** Whether this role sees what other roles' sessions do. */
  boolean seesOthers() throws SQLException {
    return isTrue("SELECT pg_has_role('pg_read_all_stats', 'USAGE')");
  }

  String role() throws SQLException {
    return ask("SELECT current_user", row -> row.getString(1)).orElseThrow();
  }

  /** The schema's version; empty if there is no schema of pgkeeper's. */
  Optional<SchemaVersion> schemaVersion() throws SQLException {
    return isTrue("SELECT to_regprocedure(?) IS NOT NULL", schema() + ".protocol()")
        ? ask(
            "SELECT version, oldest_client FROM %s.protocol()".formatted(schema()),
            row -> new SchemaVersion(row.getInt(1), row.getInt(2)))
        : Optional.empty();
  }

  record SchemaVersion(int version, int oldestClient) {}

  /** How long transactions may last, in seconds. */
  double longestSeconds() {
    return seconds(options.longest());
  }

  private static double seconds(Duration span) {
    return span.toMillis() / 1000.0;
  }
}
