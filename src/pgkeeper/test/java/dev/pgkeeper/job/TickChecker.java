package dev.pgkeeper.job;

import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * Whether each tick of a job has one effect if it is done, and none otherwise. Effects are rows
 * {@code (job, by)} of the table {@code effect}, where {@code by} names the tick.
 */
public final class TickChecker {
  private TickChecker() {}

  /** What is not as promised; empty if all is well. */
  public static List<String> violations(TestDatabase database, String job) throws SQLException {
    List<String> found = new ArrayList<>();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                ("SELECT tick, state, effects, attempt FROM (SELECT coalesce(r.tick, e.by) AS tick, r.state, r.attempt,"
                        + " count(e.by) AS effects FROM (SELECT * FROM ${schema}.job_run WHERE job = '%1$s') r"
                        + " FULL JOIN (SELECT * FROM ${schema}.effect WHERE job = '%1$s') e ON e.by = r.tick"
                        + " GROUP BY 1, 2, 3) AS t WHERE effects <> CASE WHEN state = 'done' THEN 1 ELSE 0 END")
                    .formatted(job)
                    .replace("${schema}", database.schema()))) {
      while (rows.next()) {
        found.add(
            "%s is %s after %d attempts, with %d effects"
                .formatted(rows.getString(1), rows.getString(2), rows.getInt(4), rows.getLong(3)));
      }
    }
    return found;
  }
}
