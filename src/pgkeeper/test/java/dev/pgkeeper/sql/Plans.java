package dev.pgkeeper.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The plans of every statement inside the functions, told by the server itself. */
public final class Plans {

  private static final int CALLS = 8; // past the fifth, when a generic plan may be chosen

  /** A scan of a table or an index, as a plan writes it. */
  private static final Pattern SCAN =
      Pattern.compile("(Seq Scan|Bitmap \\w+ Scan|Index Scan|Index Only Scan)[^\\n]*? on (\\S+)");

  /** Above {@code jit_above_cost} (100,000) by far, and what a scan costs that is switched off. */
  private static final double BEYOND_REASON = 1e9;

  private static final Pattern COST = Pattern.compile("cost=[\\d.]+\\.\\.([\\d.]+) ");

  private Plans() {}

  /**
   * Whether a plan has a cost beyond reason: a server with JIT compiles it at each execution, which
   * takes fifty times as long as what it computes, and says so where it analyses the plan.
   * PostgreSQL 18 does not add the cost of what is switched off and used all the same, but says so.
   */
  public static boolean isBeyondReason(String plan) {
    return plan.contains("Disabled: true")
        || plan.contains("JIT:")
        || COST.matcher(plan)
            .results()
            .anyMatch(cost -> Double.parseDouble(cost.group(1)) >= BEYOND_REASON);
  }

  /** Has nobody analyse these tables, whatever is in them. */
  public static void neverAnalyse(TestDatabase database, String... tables) {
    for (String table : tables) {
      database.execute("ALTER TABLE ${schema}." + table + " SET (autovacuum_enabled = false)");
    }
  }

  /** Five thousand sessions, and a hundred thousand replies to them, that nobody analyses. */
  public static void fillSessions(TestDatabase database) {
    neverAnalyse(database, "session", "reply");
    database.execute(
        "INSERT INTO ${schema}.session (id, timeout_ms, lease_ms, grace_ms, direct, opened, renewed, client, host, pid)"
            + " SELECT i, 600000, 800000, 2000, false, clock_timestamp(), clock_timestamp(), '', '', 1 FROM generate_series(0, 4999) i");
    database.execute(
        "INSERT INTO ${schema}.reply SELECT i / 20, i % 20, 1, clock_timestamp(), NULL FROM generate_series(0, 99999) i");
  }

  /**
   * Fails with the calls that scan like this where nobody ever analysed, and their plans. In a
   * call, {@code %1$d} counts from 1.
   */
  public static void assertNone(
      TestDatabase database,
      Map<String, String> calls,
      Predicate<String> wrong,
      Set<String> excepted)
      throws SQLException {
    assertThat(
            database.queryLong(
                "SELECT count(*) FROM pg_statistic s JOIN pg_class c ON c.oid = s.starelid"
                    + " WHERE c.relnamespace = '${schema}'::regnamespace"))
        .as("nobody analysed")
        .isZero();
    assertNoneAtAll(database, calls, wrong, excepted);
  }

  /** The same, whatever is known of the tables. */
  public static void assertNoneAtAll(
      TestDatabase database,
      Map<String, String> calls,
      Predicate<String> wrong,
      Set<String> excepted)
      throws SQLException {
    Map<String, String> found = new LinkedHashMap<>();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      statement.execute("LOAD 'auto_explain'");
      statement.execute("SET auto_explain.log_min_duration = 0");
      statement.execute("SET auto_explain.log_nested_statements = on");
      statement.execute("SET auto_explain.log_level = notice");
      for (Map.Entry<String, String> call : calls.entrySet()) {
        int scans = 0;
        for (int i = 1; i <= CALLS; i++) {
          statement.clearWarnings();
          statement.execute(
              call.getValue().replace("${schema}", database.schema()).replace("%1$d", "" + i));
          for (SQLWarning w = statement.getWarnings(); w != null; w = w.getNextWarning()) {
            if (isBeyondReason(w.getMessage())) {
              found.putIfAbsent(call.getKey() + ": costs beyond reason", w.getMessage());
            }
            Matcher scan = SCAN.matcher(w.getMessage());
            while (scan.find()) {
              scans++;
              if (wrong.test(scan.group(1)) && !excepted.contains(scan.group(2))) {
                found.putIfAbsent(
                    call.getKey() + ": " + scan.group(1) + " on " + scan.group(2), w.getMessage());
              }
            }
          }
        }
        assertThat(scans).as(call.getKey() + " tells its plans").isPositive();
      }
    }
    assertThat(found.keySet()).as(String.join("\n", found.values())).isEmpty();
  }
}
