package dev.pgkeeper.testing;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * Where every transaction waits that makes some change, in the midst of it, while a test has the
 * gate shut: so the test decides what comes in between. One for each database.
 */
public final class Gate {
  private static final String KEY = "1969";

  private final TestDatabase database;
  private final String table;

  private Gate(TestDatabase database, String table) {
    this.database = database;
    this.table = table;
  }

  /**
   * Puts one up, open.
   *
   * @param change as a trigger has it: {@code INSERT}, {@code UPDATE}
   * @param table in the database's schema
   * @param condition on the row that is new
   */
  public static Gate after(TestDatabase database, String change, String table, String condition) {
    // Whoever makes the change may have set a limit to its waiting; at the gate it has none.
    database.execute(
        "CREATE FUNCTION ${schema}.wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS $$"
            + " BEGIN PERFORM pg_advisory_xact_lock_shared("
            + KEY
            + "); RETURN NULL; END $$");
    database.execute(
        "CREATE TRIGGER wait_at_the_gate AFTER %s ON ${schema}.%s FOR EACH ROW WHEN (%s) EXECUTE FUNCTION ${schema}.wait_at_the_gate()"
            .formatted(change, table, condition));
    return new Gate(database, table);
  }

  /** Open again once it is closed. */
  public interface Shut extends AutoCloseable {
    @Override
    void close();
  }

  public Shut shut() {
    try {
      Connection connection = database.connect();
      try (Statement statement = connection.createStatement()) {
        statement.execute("SELECT pg_advisory_lock(" + KEY + ")");
      }
      return () -> open(connection);
    } catch (SQLException e) {
      throw new IllegalStateException("The gate could not be shut", e);
    }
  }

  private static void open(Connection connection) {
    try {
      connection.close();
    } catch (SQLException e) {
      throw new IllegalStateException("The gate could not be opened", e);
    }
  }

  /** Returns once a transaction stands there. */
  public void awaitSomebody() {
    Await.until(
        "somebody stands at the gate",
        () ->
            database.queryLong(
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = "
                        + KEY)
                == 1);
  }

  /** Takes it down. */
  public void remove() {
    database.execute("DROP TRIGGER wait_at_the_gate ON ${schema}." + table);
    database.execute("DROP FUNCTION ${schema}.wait_at_the_gate()");
  }
}
