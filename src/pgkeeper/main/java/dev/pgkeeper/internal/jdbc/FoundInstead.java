package dev.pgkeeper.internal.jdbc;

import java.util.Objects;

/** What there is where something else was asked for. */
public final class FoundInstead {
  private FoundInstead() {}

  /** In words: {@code semaphore of 3}. */
  public static SqlFunction<String> at(String schema, String path) {
    return Call.of(schema, "_line_instead", path)
        .row(
            row ->
                Objects.requireNonNullElse(
                    row.getString(1), "below something that takes no such children"));
  }
}
