package dev.pgkeeper.scenario;

import dev.pgkeeper.scenario.ResourceChecker.Accepted;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** Whether the accepted writes of each shard are those of one owner after the other. */
public final class ShardChecker {
  private ShardChecker() {}

  public static List<String> violations(TestDatabase database) throws SQLException {
    List<String> violations = new ArrayList<>();
    for (String shard : WriteToShards.SHARDS) {
      violations.addAll(ResourceChecker.violations(accepted(database, shard)));
    }
    return violations;
  }

  private static List<Accepted> accepted(TestDatabase database, String shard) throws SQLException {
    List<Accepted> accepted = new ArrayList<>();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "SELECT version, token, writer FROM "
                    + database.schema()
                    + ".accepted WHERE shard = '"
                    + shard
                    + "' ORDER BY version")) {
      while (rows.next()) {
        accepted.add(new Accepted(rows.getLong(1), rows.getLong(2), rows.getString(3)));
      }
    }
    return accepted;
  }
}
