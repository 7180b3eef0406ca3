package dev.pgkeeper.scenario;

import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * Whether messages came to those who were to have them: each that was sent, none that was not, once
 * where that is promised, in the order of their keys, and again only for a reason. To be asked once
 * nothing is left in the queues.
 */
public final class TrafficChecker {
  private TrafficChecker() {}

  /** Messages that are still somewhere. */
  public static long left(TestDatabase database) {
    return database.queryLong(
        "SELECT (SELECT count(*) FROM ${schema}.message) + (SELECT count(*) FROM ${schema}.dead_letter)"
            + " + (SELECT coalesce(sum(cardinality(ids)), 0) FROM ${schema}.claim)");
  }

  public static List<String> lost(TestDatabase database) {
    return list(
        database,
        """
        SELECT s.queue || ' ' || s.id FROM ${schema}.sent s WHERE NOT EXISTS (
          SELECT FROM ${schema}.event e WHERE e.queue = s.queue AND e.id = s.id AND e.what IN ('done', 'handled'))
        """);
  }

  public static List<String> neverSent(TestDatabase database) {
    return list(
        database,
        """
        SELECT e.queue || ' ' || e.id FROM ${schema}.event e WHERE NOT EXISTS (
          SELECT FROM ${schema}.sent s WHERE s.queue = e.queue AND s.id = e.id)
        """);
  }

  public static List<String> doneTwice(TestDatabase database) {
    return list(
        database,
        """
        SELECT e.queue || ' ' || e.id || ' ' || e.what || ' ' || count(*) FROM ${schema}.event e
          WHERE e.what IN ('done', 'acked') GROUP BY e.queue, e.id, e.what HAVING count(*) > 1
        """);
  }

  /** A message was done before an earlier one of its key. */
  public static List<String> outOfOrder(TestDatabase database) {
    return list(
        database,
        """
        SELECT queue || ' ' || key || ': ' || id || ' before ' || next FROM (
          SELECT queue, key, id, lead(id) OVER (PARTITION BY queue, key ORDER BY number) AS next
            FROM ${schema}.event WHERE what = 'done' AND key IS NOT NULL) AS pairs
          WHERE next < id
        """);
  }

  /**
   * Handed out after it was acked, or again to the same session that had not given it back. Who was
   * stopped past its session's end does not know yet that what it took is others' by now; its acks
   * are refused.
   */
  public static List<String> againForNoReason(TestDatabase database) {
    return list(
        database,
        """
        SELECT e.id || ' to ' || e.session || ' after ' || before.what || ' by ' || before.session
          FROM ${schema}.event e, LATERAL (
            SELECT b.what, b.session FROM ${schema}.event b
              WHERE b.queue = e.queue AND b.id = e.id AND b.number < e.number ORDER BY b.number DESC LIMIT 1) AS before
          WHERE e.queue = 'acked' AND e.what = 'handled' AND e.live
            AND (before.what = 'acked' OR before.what = 'handled' AND before.session = e.session)
        """);
  }

  public static List<String> violations(TestDatabase database) {
    // A long run has hundreds of thousands of events.
    database.execute(
        "CREATE INDEX ON ${schema}.event (queue, id, number); CREATE INDEX ON ${schema}.sent (queue, id);"
            + " ANALYZE ${schema}.event; ANALYZE ${schema}.sent");
    List<String> all = new ArrayList<>();
    lost(database).forEach(one -> all.add("lost " + one));
    neverSent(database).forEach(one -> all.add("never sent " + one));
    doneTwice(database).forEach(one -> all.add("twice " + one));
    outOfOrder(database).forEach(one -> all.add("out of order " + one));
    againForNoReason(database).forEach(one -> all.add("again " + one));
    return all;
  }

  private static List<String> list(TestDatabase database, String sql) {
    List<String> found = new ArrayList<>();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql.replace("${schema}", database.schema()))) {
      while (rows.next()) {
        found.add(rows.getString(1));
      }
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
    return found;
  }
}
