package dev.pgkeeper.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.TreeInvariants;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Two changes of the same corner of the tree: the first is done but not committed when the second
 * comes. What the second answers depends on what becomes of the first; who is refused by what is
 * there already need not wait. The tree is whole afterwards.
 */
class CrossingChangesTest {
  private static TestDatabase database;

  /** Two changes, and what the second answers after the first was kept, and after it was not. */
  enum Crossing {
    DELETE_AND_FIRST_CHILD("delete('/leaf')", "create('/leaf/x')", "no_node", "ok"),
    FIRST_CHILD_AND_DELETE("create('/leaf/x')", "delete('/leaf')", "not_empty", "ok"),
    DELETE_AND_NEXT_CHILD("delete('/empty')", "create('/empty/x')", "no_node", "ok"),
    NEXT_CHILD_AND_DELETE("create('/empty/x')", "delete('/empty')", "not_empty", "ok"),
    LAST_CHILD_GONE_AND_DELETE("delete('/parent/child')", "delete('/parent')", "ok", "not_empty"),
    TWO_FIRST_CHILDREN("create('/leaf/x')", "create('/leaf/y')", "ok", "ok"),
    SAME_CHILD("create('/parent/x')", "create('/parent/x')", "node_exists", "ok"),
    SAME_FIRST_CHILD("create('/leaf/x')", "create('/leaf/x')", "node_exists", "ok"),
    SAME_DELETE("delete('/leaf')", "delete('/leaf')", "no_node", "ok"),
    SET_AND_DELETE("set('/leaf', 'x')", "delete('/leaf', 0)", "bad_version", "ok"),
    SET_AND_DELETE_NEW("set('/leaf', 'x')", "delete('/leaf', 1)", "ok", "bad_version"),
    SET_AND_SET("set('/leaf', 'x')", "set('/leaf', 'y', 0)", "bad_version", "ok"),
    DELETE_AND_SET("delete('/leaf')", "set('/leaf', 'y')", "no_node", "ok"),
    DELETE_AND_CREATE("delete('/leaf')", "create('/leaf')", "node_exists", "node_exists"),
    SUBTREE_AND_CHILD("delete_recursive('/parent')", "create('/parent/child/x')", "no_node", "ok"),
    CHILD_AND_SUBTREE("create('/parent/child/x')", "delete_recursive('/parent')", "ok", "ok");

    final String first;
    final String second;
    final String afterCommit;
    final String afterRollback;

    Crossing(String first, String second, String afterCommit, String afterRollback) {
      this.first = first;
      this.second = second;
      this.afterCommit = afterCommit;
      this.afterRollback = afterRollback;
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
    for (String gone : new String[] {"/leaf", "/parent", "/empty"}) {
      database.execute("SELECT ${schema}.delete_recursive('" + gone + "')");
    }
    for (String made : new String[] {"/leaf", "/parent", "/parent/child", "/empty", "/empty/was"}) {
      database.execute("SELECT ${schema}.create('" + made + "')");
    }
    database.execute("SELECT ${schema}.delete('/empty/was')");
  }

  @ParameterizedTest
  @EnumSource
  void afterTheFirstWasKept(Crossing crossing) throws Exception {
    assertThat(cross(crossing, true)).isEqualTo(crossing.afterCommit);
    TreeInvariants.check(database);
  }

  @ParameterizedTest
  @EnumSource
  void afterTheFirstWasTakenBack(Crossing crossing) throws Exception {
    assertThat(cross(crossing, false)).isEqualTo(crossing.afterRollback);
    TreeInvariants.check(database);
  }

  private static String cross(Crossing crossing, boolean keep) throws Exception {
    return TwoTransactions.cross(database, code(crossing.first), keep, code(crossing.second));
  }

  private static String code(String call) {
    return "SELECT code FROM ${schema}." + call;
  }
}
