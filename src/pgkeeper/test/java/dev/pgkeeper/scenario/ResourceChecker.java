package dev.pgkeeper.scenario;

import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Whether a resource accepted the writes of one owner after the other: in the order of their
 * commits tokens never decrease, and each token has one owner.
 */
public final class ResourceChecker {
  private ResourceChecker() {}

  /** A write that was accepted. */
  public record Accepted(long version, long token, String writer) {}

  public static List<Accepted> accepted(TestDatabase database) throws SQLException {
    List<Accepted> accepted = new ArrayList<>();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "SELECT version, token, writer FROM "
                    + database.schema()
                    + ".accepted ORDER BY version")) {
      while (rows.next()) {
        accepted.add(new Accepted(rows.getLong(1), rows.getLong(2), rows.getString(3)));
      }
    }
    return accepted;
  }

  public static List<String> violations(List<Accepted> accepted) {
    List<String> violations = new ArrayList<>();
    Map<Long, String> owners = new HashMap<>();
    Accepted before = null;
    for (Accepted write : accepted) {
      if (before != null && before.token() > write.token()) {
        violations.add(write + " was accepted after " + before);
      }
      String owner = owners.putIfAbsent(write.token(), write.writer());
      if (owner != null && !owner.equals(write.writer())) {
        violations.add(write + " has the token of " + owner);
      }
      before = write;
    }
    return violations;
  }
}
