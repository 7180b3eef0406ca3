package dev.pgkeeper.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.TestDatabase;
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
    String seen = TwoTransactions.cross(database, change(meeting), true, registration(meeting));
    assertThat(seen).isEqualTo("" + meeting.seen);
  }

  @ParameterizedTest
  @EnumSource
  void whoChangesDuringARegistrationWaitsAndFindsIt(Meeting meeting) throws Exception {
    String watched = TwoTransactions.cross(database, registration(meeting), true, change(meeting));
    assertThat(watched).as("watched").isEqualTo("1");
  }

  private static String change(Meeting meeting) {
    return "SELECT watched::integer FROM ${schema}." + meeting.change.formatted(meeting.ordinal());
  }

  private static String registration(Meeting meeting) {
    return "SELECT count(*) FROM ${schema}." + meeting.registration;
  }
}
