package dev.pgkeeper.sql;

import dev.pgkeeper.testing.TestDatabase;

/** A session that is opened, and stands in lines, with nothing but SQL. */
final class SqlClient {
  private final TestDatabase database;
  private final long session;
  private int requests;

  private SqlClient(TestDatabase database, long session) {
    this.database = database;
    this.session = session;
  }

  /** Called so, on the machine {@code h} as process 1. */
  static SqlClient open(TestDatabase database, String name) {
    return new SqlClient(
        database,
        database.queryLong(
            "SELECT ${schema}.session_open(600000, 60000, false, '" + name + "', 'h', 1)"));
  }

  long session() {
    return session;
  }

  /** Joins for a mutex; its number. */
  long lock(String line) {
    return join(line, "mutex", 1, "lock", "NULL", "''");
  }

  /** Joins an election under this identity; its number. */
  long stand(String line, String identity) {
    return join(line, "election", 1, "candidate", "NULL", "'" + identity + "\\000'");
  }

  /** Joins a line of any kind; its number. */
  long join(String line, String recipe, int permits, String what, String limitMs, String data) {
    return database.queryLong(
        "SELECT (outcome).number FROM ${schema}.request_join(%d, 1, %d, '%s', '%s', %d, '%s', false, %s, %s, 7)"
            .formatted(session, ++requests, line, recipe, permits, what, limitMs, data));
  }

  /** Gives up a place in a line's row. */
  void free(String line, long token) {
    database.execute("SELECT ${schema}.line_free('" + line + "', " + token + ")");
  }

  /** Gives up a place with a node. */
  void leave(String line, long token, String what) {
    database.execute("SELECT ${schema}.line_leave('" + node(line, token, what) + "')");
  }

  static String node(String line, long token, String what) {
    return line + "/%019d-%s".formatted(token, what);
  }

  /** Ends the session as its client would. */
  void close() {
    database.execute("SELECT ${schema}.session_end(" + session + ")");
  }

  /** Has its lease be over, since this long. */
  void outlast(String interval) {
    database.execute(
        "UPDATE ${schema}.session SET renewed = clock_timestamp() - lease_ms * interval '1 ms' - interval '"
            + interval
            + "' WHERE id = "
            + session);
  }
}
