package dev.pgkeeper.internal.jdbc;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.tree.Stat;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a function of the database answers to one request (see the type {@code outcome}).
 *
 * @param stat of a node; null if the function has nothing to say of one
 * @param number a token, the number of a message, a sum, or how many there were
 * @param granted whether a line or a meeting let it in at once; otherwise it waits
 * @param attempt of a job's run
 */
public record Outcome(
    Code code, String path, @Nullable Stat stat, long number, boolean granted, int attempt) {

  /** One row of an answer. */
  static Outcome of(ResultSet row) throws SQLException {
    return new Outcome(
        Code.valueOf(row.getString("code").toUpperCase(Locale.ROOT)),
        row.getString("path"),
        row.getObject("ctime") == null ? null : stat(row),
        row.getLong("number"),
        row.getBoolean("granted"),
        row.getInt("attempt"));
  }

  /** All rows that a query answers. */
  public static List<Outcome> allOf(PreparedStatement query) throws SQLException {
    List<Outcome> outcomes = new ArrayList<>(1);
    try (ResultSet rows = query.executeQuery()) {
      while (rows.next()) {
        outcomes.add(of(rows));
      }
    }
    return outcomes;
  }

  /** The stat of a row that has its columns by name. */
  public static Stat stat(ResultSet row) throws SQLException {
    return new Stat(
        row.getLong("czxid"),
        row.getLong("mzxid"),
        row.getTimestamp("ctime").toInstant(),
        row.getTimestamp("mtime").toInstant(),
        row.getInt("version"),
        (int) row.getLong("cversion"),
        row.getLong("owner"),
        row.getInt("data_length"),
        (int) row.getLong("children"),
        row.getLong("pzxid"));
  }

  /** This, if it is ok; {@code asked} is the path as the caller knows it. */
  public Outcome ok(String asked) {
    if (code != Code.OK) {
      throw KeeperException.of(code, asked);
    }
    return this;
  }

  /** The stat of an outcome that has one. */
  public Stat knownStat() {
    if (stat == null) {
      throw new IllegalStateException("no stat came with " + this);
    }
    return stat;
  }
}
