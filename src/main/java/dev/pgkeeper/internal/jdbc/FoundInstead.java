package dev.pgkeeper.internal.jdbc;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.util.Objects;

/** What there is where something else was asked for. */
public final class FoundInstead {
  private FoundInstead() {}

  /** In words: {@code semaphore of 3}. */
  public static SqlFunction<String> at(String schema, String path) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".line_instead(?)")) {
        statement.setString(1, path);
        try (ResultSet row = statement.executeQuery()) {
          row.next();
          return Objects.requireNonNullElse(
              row.getString(1), "below something that takes no such children");
        }
      }
    };
  }
}
