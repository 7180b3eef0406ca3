package dev.pgkeeper.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Orders of events in the database that real processes come to once in a long while. */
class RaceTest {

  private static TestDatabase database;

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void drop() {
    database.close();
  }

  private static long open() {
    return database.queryLong("SELECT ${schema}.session_open(600000, 60000, false, 'c', 'h', 1)");
  }

  private static void free(String line) {
    database.execute(
        "SELECT ${schema}.line_free(path, token) FROM ${schema}.gathering WHERE path = '"
            + line
            + "'");
  }

  private static String join(long session, long request, String line, boolean tries) {
    return "SELECT (outcome).granted::integer FROM "
        + database.schema()
        + ".request_join("
        + session
        + ", 1, "
        + request
        + ", '"
        + line
        + "', 'mutex', 1, 'lock', "
        + tries
        + ", NULL, '', 7)";
  }

  /** The same for one that waits with a node, because it has data. */
  private static String joinWithNode(long session, long request, String line) {
    return join(session, request, line, false).replace("''", "'x'");
  }

  /**
   * A statement that had begun before a session was opened did not see that session, took the lock
   * that it held for one of a session that is over, and took it away.
   */
  @Test
  void aLockIsNotTakenFromASessionThatIsNewerThanTheStatement() throws Exception {
    long early = open();
    database.queryLong(join(early, 1, "/race/new", true));
    free("/race/new");
    try (Connection connection = database.connect();
        Statement late = connection.createStatement()) {
      connection.setAutoCommit(false);
      late.execute(
          "SELECT FROM " + database.schema() + ".gathering WHERE path = '/race/new' FOR UPDATE");
      CompletableFuture<Long> waits =
          CompletableFuture.supplyAsync(
              () -> database.queryLong(join(early, 2, "/race/new", false)));
      awaitOneBlocked("request_join");
      long newer = open();
      late.execute(join(newer, 1, "/race/new", true));
      connection.commit();
      assertThat(waits.join()).as("1: it holds, 0: it waits").isZero();
      assertThat(holder("/race/new")).isEqualTo(newer);
    }
  }

  private static long holder(String line) throws SQLException {
    return database.queryLong(
        "SELECT coalesce(holder, 0) FROM ${schema}.gathering WHERE path = '" + line + "'");
  }

  /**
   * Somebody left, the reply was lost, and it left again. That moved the line's beginning past the
   * one who held by then, and the next one was granted too.
   */
  @Test
  void leavingTwiceLetsNobodyInBesideTheHolder() {
    String line = "/race/twice";
    long[] sessions = {open(), open(), open(), open()};
    database.queryLong(join(sessions[0], 1, line, false));
    database.queryLong(joinWithNode(sessions[1], 1, line));
    database.queryLong(joinWithNode(sessions[2], 1, line));
    database.execute(
        "SELECT ${schema}.line_free('"
            + line
            + "', (SELECT token FROM ${schema}.gathering WHERE path = '"
            + line
            + "'))");
    String second = contender(line, sessions[1]);
    for (int i = 0; i < 2; i++) {
      database.execute("SELECT ${schema}.line_leave('" + second + "')");
    }
    database.queryLong(join(sessions[3], 1, line, false));
    database.execute(
        "SELECT ${schema}.line_take("
            + sessions[3]
            + ", ARRAY['"
            + contender(line, sessions[3])
            + "'])");
    assertThat(states(line)).isEqualTo(sessions[2] + "h " + sessions[3] + "w");
  }

  /**
   * Whoever rang the next one after a session's end had found that nobody held the lock, and was
   * slow to look who was next. By then the lock was somebody's again, and the next one got it too.
   */
  @Test
  void aSlowRingLetsNobodyInBesideTheHolder() throws Exception {
    String line = "/race/slow";
    long dead = open();
    long first = open();
    long holder = open();
    long next = open();
    database.queryLong(join(dead, 1, line, false));
    database.queryLong(joinWithNode(first, 1, line));
    database.execute("DELETE FROM ${schema}.session WHERE id = " + dead);
    // Asking for this session takes as long as the test likes.
    database.execute(
        "CREATE OR REPLACE FUNCTION ${schema}._is_open(in_session bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN"
            + " IF in_session = "
            + dead
            + " THEN PERFORM pg_advisory_xact_lock(4711); END IF;"
            + " RETURN EXISTS (SELECT FROM ${schema}.session s WHERE s.id = in_session); END $$");
    try (Connection connection = database.connect();
        Statement gate = connection.createStatement()) {
      connection.setAutoCommit(false);
      gate.execute("SELECT pg_advisory_xact_lock(4711)");
      CompletableFuture<Void> ring =
          CompletableFuture.runAsync(
              () -> database.execute("SELECT ${schema}._ring_line('" + line + "')"));
      awaitOneBlocked("_ring_line");
      database.execute("SELECT ${schema}.line_leave('" + contender(line, first) + "')");
      database.execute("UPDATE ${schema}.gathering SET holder = NULL WHERE path = '" + line + "'");
      assertThat(database.queryLong(join(holder, 1, line, false))).isEqualTo(1);
      assertThat(database.queryLong(joinWithNode(next, 1, line))).isZero();
      connection.commit();
      ring.join();
    }
    assertThat(states(line)).isEqualTo(next + "w");
  }

  /** A waiter that lost its patience made a holder of the next one, while somebody held. */
  @Test
  void aWaiterThatGivesUpLetsNobodyInBesideTheHolder() {
    String line = "/race/gives-up";
    long[] sessions = {open(), open(), open()};
    database.queryLong(join(sessions[0], 1, line, false));
    database.queryLong(joinWithNode(sessions[1], 1, line));
    database.queryLong(joinWithNode(sessions[2], 1, line));
    database.execute("SELECT ${schema}.line_leave('" + contender(line, sessions[1]) + "')");
    assertThat(states(line)).isEqualTo(sessions[2] + "w");
    free(line);
    assertThat(states(line)).isEqualTo(sessions[2] + "h");
  }

  private static void awaitOneBlocked(String function) {
    Await.until(
        function + " waits for a lock",
        () ->
            database.queryLong(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                        + " AND query LIKE 'SELECT%${schema}."
                        + function
                        + "(%'")
                == 1);
  }

  /** Who stands in the line, and what each has. */
  private static String states(String line) {
    return database.queryString(
        "SELECT string_agg(owner || state::text, ' ' ORDER BY name) FROM ${schema}.node WHERE parent = '"
            + line
            + "'");
  }

  private static String contender(String line, long session) {
    return database.queryString(
        "SELECT path FROM ${schema}.node WHERE parent = '" + line + "' AND owner = " + session);
  }
}
