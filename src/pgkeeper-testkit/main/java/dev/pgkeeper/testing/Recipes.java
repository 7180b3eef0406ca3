package dev.pgkeeper.testing;

import java.util.function.Supplier;

/** What the tests of several recipes need. */
public final class Recipes {
  private Recipes() {}

  /** Something that may fail. */
  public interface Attempt {
    void run() throws Exception;
  }

  /** How many stand in this line, by the database. */
  public static long rowsBelow(TestDatabase database, String line) {
    return database.queryLong("SELECT count(*) FROM ${schema}.contenders('" + line + "')");
  }

  public static void awaitRowsBelow(TestDatabase database, String line, long number) {
    Supplier<String> what =
        () -> number + " below " + line + "; there are " + rowsBelow(database, line);
    Await.until(what, () -> rowsBelow(database, line) == number);
  }

  /** Until some transaction waits for another one's row. */
  public static void awaitLockWaiter(TestDatabase database) {
    Await.until(
        "somebody waits for a row",
        () ->
            database.queryLong(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                        + " AND query LIKE '%${schema}%' AND pid <> pg_backend_pid()")
                > 0);
  }

  /** Until so many sessions are registered for a node. */
  public static void awaitWatchers(TestDatabase database, String path, long number) {
    Await.until(
        number + " watch " + path,
        () ->
            database.queryLong(
                    "SELECT count(DISTINCT session) FROM ${schema}.watch WHERE path = '"
                        + path
                        + "'")
                == number);
  }
}
