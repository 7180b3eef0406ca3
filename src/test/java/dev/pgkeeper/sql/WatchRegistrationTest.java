package dev.pgkeeper.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A registration and a change that are under way at the same time: whoever comes second waits, and
 * then either the reader sees the change, or the writer finds the reader.
 */
class WatchRegistrationTest {
  private static final Duration LIMIT = Duration.ofSeconds(10);

  private static TestDatabase database;

  /** What changes, how somebody registers for it, and what that one sees of the change. */
  enum Meeting {
    SET("request_set(1, %d, 1, '/leaf', 'new', -1)", "watch_node(7, '/leaf') WHERE version = 1", 1),
    DELETE("request_delete(1, %d, 1, '/leaf', -1)", "watch_node(7, '/leaf')", 0),
    CREATE(create("/parent/new", false), "watch_node(7, '/parent/new')", 1),
    CREATE_FIRST_CHILD(create("/leaf/new", false), "watch_node(7, '/leaf/new')", 1),
    CREATE_WITH_PARENTS(create("/leaf/deep/er", true), "watch_node(7, '/leaf/deep/er')", 1),
    CREATE_IN_NEW_PARENT(create("/new/er", true), "watch_node(7, '/new/er')", 1),
    CHILD(
        create("/parent/new", false),
        "watch_children(7, '/parent') WHERE names = '{child,new}'",
        1),
    FIRST_CHILD(create("/leaf/new", false), "watch_children(7, '/leaf') WHERE names = '{new}'", 1),
    CHILD_GONE(
        "request_delete(1, %d, 1, '/parent/child', -1)",
        "watch_children(7, '/parent') WHERE names = '{}'", 1),
    PARENT_GONE("request_delete(1, %d, 1, '/leaf', -1)", "watch_children(7, '/leaf')", 0),
    SET_PERSISTENT(
        "request_set(1, %d, 1, '/leaf', 'new', -1)",
        "watch_persistent(7, '/leaf') WHERE mzxid > czxid", 1),
    FIRST_CHILD_PERSISTENT(
        create("/leaf/new", false), "watch_persistent(7, '/leaf') WHERE pzxid > czxid", 1);

    final String change;
    final String registration;
    final int seen;

    Meeting(String change, String registration, int seen) {
      this.change = change;
      this.registration = registration;
      this.seen = seen;
    }

    private static String create(String path, boolean parents) {
      return "request_create(1, %d, 1, '"
          + path
          + "', '', 'persistent', false, NULL, "
          + parents
          + ")";
    }
  }

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void drop() {
    database.close();
  }

  @BeforeEach
  void fill() {
    for (String gone : new String[] {"/leaf", "/parent", "/new"}) {
      database.execute("SELECT ${schema}.delete_recursive('" + gone + "')");
    }
    database.execute("DELETE FROM ${schema}.watch; DELETE FROM ${schema}.reply");
    for (String made : new String[] {"/leaf", "/parent", "/parent/child"}) {
      database.execute("SELECT ${schema}.create('" + made + "')");
    }
  }

  @ParameterizedTest
  @EnumSource
  void whoRegistersDuringAChangeWaitsAndSeesIt(Meeting meeting) throws Exception {
    int seen = meet(change(meeting), "SELECT count(*) FROM ${schema}." + meeting.registration);
    assertThat(seen).isEqualTo(meeting.seen);
  }

  @ParameterizedTest
  @EnumSource
  void whoChangesDuringARegistrationWaitsAndFindsIt(Meeting meeting) throws Exception {
    int watched = meet("SELECT count(*) FROM ${schema}." + meeting.registration, change(meeting));
    assertThat(watched).as("watched").isEqualTo(1);
  }

  private static String change(Meeting meeting) {
    return "SELECT watched::integer FROM ${schema}." + meeting.change.formatted(meeting.ordinal());
  }

  /** The first call is done but not committed when the second comes; answers what that one does. */
  private static int meet(String first, String second) throws Exception {
    try (Connection one = database.connect();
        Connection other = database.connect()) {
      one.setAutoCommit(false);
      ask(one, first);
      long pid = ask(other, "SELECT pg_backend_pid()");
      CompletableFuture<Integer> answer =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return ask(other, second);
                } catch (SQLException e) {
                  throw new CompletionException(e);
                }
              });
      String waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = " + pid;
      Await.until(LIMIT, "it waits", () -> answer.isDone() || database.queryLong(waits) > 0);
      one.commit();
      return answer.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
    }
  }

  private static int ask(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql.replace("${schema}", database.schema()))) {
      row.next();
      return row.getInt(1);
    }
  }
}
