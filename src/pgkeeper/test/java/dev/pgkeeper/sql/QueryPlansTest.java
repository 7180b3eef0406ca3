package dev.pgkeeper.sql;

import dev.pgkeeper.testing.TestDatabase;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The plans of what is called all the time, on large tables that nobody ever analysed: only index
 * scans, which also tidy the index. Told by the server itself, for every statement inside the
 * functions.
 */
class QueryPlansTest {

  private static final int NODES = 100_000;

  /**
   * The epoch is one row, and so are the bounds of the history. A slot's row is changed within its
   * page, so that nothing is left in its index to be tidied.
   */
  private static final Set<String> EXCEPTED =
      Set.of("epoch", "history_bound", "reply", "reply_pkey");

  private static TestDatabase database;

  @BeforeAll
  static void fill() {
    database = TestDatabase.fresh();
    Plans.neverAnalyse(database, "node", "gathering", "watch");
    Plans.fillSessions(database);
    database.execute(
        "INSERT INTO ${schema}.node SELECT '/p' || i % 1000 || CASE WHEN i < 1000 THEN '' ELSE '/c' || i END,"
            + " CASE WHEN i < 1000 THEN '/' ELSE '/p' || i % 1000 END,"
            + " CASE WHEN i < 1000 THEN 'p' || i ELSE 'c' || i END, 'persistent', NULL, NULL, 0, i, i,"
            + " clock_timestamp(), clock_timestamp(), '' FROM generate_series(0, "
            + (NODES - 1)
            + ") i");
    database.execute(
        "UPDATE ${schema}.node SET data = '1' WHERE path IN ('/p14/c2014', '/p14/c3014')");
    // Most nodes have had a child once, so that this table is as large.
    database.execute(
        "INSERT INTO ${schema}.gathering SELECT path, "
            + (NODES / 1000)
            + ", CASE WHEN parent = '/' THEN "
            + (NODES / 1000 - 1)
            + " ELSE 0 END, czxid FROM ${schema}.node WHERE path <> '/' AND (parent = '/' OR czxid % 2 = 0)");
    database.execute(
        "INSERT INTO ${schema}.watch SELECT '/elsewhere' || path, czxid % 5000, 'n' FROM ${schema}.node WHERE path <> '/'");
  }

  @AfterAll
  static void close() {
    database.close();
  }

  @Test
  void whatIsCalledAllTheTimeUsesIndexScansOnTablesThatWereNeverAnalysed() throws SQLException {
    Map<String, String> calls = new LinkedHashMap<>();
    calls.put("get", "SELECT * FROM ${schema}.get('/p7/c1007')");
    calls.put("exists", "SELECT * FROM ${schema}.exists('/p8')");
    calls.put("children", "SELECT * FROM ${schema}.children('/p9', 'c1', 10)");
    calls.put("children_at", "SELECT * FROM ${schema}.children_at('/p10')");
    calls.put("read_all", "SELECT * FROM ${schema}.read_all('{/p1,/p2}', '{t,f}')");
    calls.put(
        "create",
        "SELECT ${schema}.request_create(1, %1$d, 2, '/p11/new%1$d', '', 'persistent', false, NULL, false)");
    calls.put(
        "create in a new parent",
        "SELECT ${schema}.request_create(1, %1$d, 3, '/p13/c%1$d013/new', '', 'persistent', false, NULL, false)");
    calls.put(
        "create ephemeral sequential",
        "SELECT ${schema}.request_create(1, %1$d, 4, '/p12/s-', '', 'ephemeral', true, NULL, false)");
    calls.put(
        "create with parents",
        "SELECT ${schema}.request_create(1, %1$d, 5, '/p12/a%1$d/b/c', '', 'persistent', false, NULL, true)");
    calls.put("set", "SELECT ${schema}.request_set(1, %1$d, 6, '/p14/c1014', 'x', -1)");
    calls.put("add", "SELECT ${schema}._request_add(1, %1$d, 7, '/p14/c2014', 1)");
    calls.put(
        "add each",
        "SELECT ${schema}.request_each(1, %1$d, 8, '{add,add}', '{/p14/c3014,/p14/c3014}', '{1,2}', '{NULL,NULL}',"
            + " '{NULL,NULL}', '{NULL,NULL}', '{NULL,NULL}')");
    calls.put(
        "node_page of children", "SELECT * FROM ${schema}.node_page('/p25', true, '', 10, 1000)");
    calls.put(
        "node_page of children after one",
        "SELECT * FROM ${schema}.node_page('/p25', true, '/p25/c50025', 10, 1000)");
    calls.put(
        "node_page of a subtree",
        "SELECT * FROM ${schema}.node_page('/p26', false, '/p26/c50026', 10, 1000)");
    calls.put(
        "node_page of everything", "SELECT * FROM ${schema}.node_page('/', false, '', 10, 1000)");
    calls.put("watch_node", "SELECT * FROM ${schema}.watch_node(3, '/p18/c1018')");
    calls.put("watch_node absent", "SELECT * FROM ${schema}.watch_node(3, '/p18/none')");
    calls.put("watch_children", "SELECT * FROM ${schema}.watch_children(3, '/p19')");
    calls.put("watch_states", "SELECT * FROM ${schema}.watch_states('{/p20,/p21,/none}')");
    calls.put("session_renew", "SELECT ${schema}.session_renew(4)");
    calls.put("session_ping", "SELECT * FROM ${schema}.session_ping(4)");
    Plans.assertNone(database, calls, scan -> !scan.startsWith("Index"), EXCEPTED);
  }

  @Test
  void nothingReadsAWholeTable() throws SQLException {
    Map<String, String> calls = new LinkedHashMap<>();
    calls.put("delete", "SELECT ${schema}.request_delete(5, %1$d, 7, '/p11/c%1$d011', -1)");
    calls.put(
        "delete recursively",
        "SELECT ${schema}.request_delete_recursive(5, %1$d, 8, '/p12/c%1$d012')");
    calls.put(
        "multi",
        "SELECT ${schema}.request_multi(5, %1$d, 9, '{create,set,check,delete}', '{/p15/n,/p15/n,/p15,/p15/n}',"
            + " '{x,y,NULL,NULL}', '{NULL,-1,-1,-1}', '{persistent,NULL,NULL,NULL}', '{f,NULL,NULL,NULL}', '{NULL,NULL,NULL,NULL}')");
    calls.put(
        "multi with a check of a change",
        "SELECT ${schema}.request_multi(1, %1$d, 9, '{check_change,set}', '{/p29,/p29}', '{1,x}', '{NULL,-1}',"
            + " '{NULL,NULL}', '{NULL,NULL}', '{NULL,NULL}')");
    calls.put("node_sums of children", "SELECT * FROM ${schema}.node_sums('/p27', true)");
    calls.put("node_sums of a subtree", "SELECT * FROM ${schema}.node_sums('/p28', false)");
    calls.put("_watchers_of", "SELECT ${schema}._watchers_of('/p16/c1016', true)");
    calls.put("ring", "SELECT ${schema}.ring('/p17/c1017', true)");
    calls.put("settle", "SELECT ${schema}.settle(2, %1$d, 1)");
    calls.put("watch_forget", "SELECT ${schema}.watch_forget(3, '{/p22,/p23}', '{n,c}')");
    calls.put("watch_subtree", "SELECT * FROM ${schema}.watch_subtree('/p24')");
    calls.put("session_end", "SELECT ${schema}.session_end(100 + %1$d)");
    calls.put("held_at", "SELECT * FROM ${schema}.held_at('/p14')");
    calls.put("prune_history", "SELECT ${schema}.prune_history()");
    Plans.assertNone(database, calls, scan -> scan.startsWith("Seq Scan"), EXCEPTED);
  }

  /**
   * To read a small table is cheap only as long as nothing comes and goes: dead rows are read too,
   * until somebody tidies and analyses, which a planner that has once seen it small does not wait
   * for.
   */
  @Test
  void whatFollowsComingAndGoingReadsNoWholeTableHoweverSmallItIs() throws SQLException {
    Map<String, String> calls = new LinkedHashMap<>();
    calls.put("read_all", "SELECT * FROM ${schema}.read_all('{/small/a,/small/b}', '{f,t}')");
    calls.put("watch_states", "SELECT * FROM ${schema}.watch_states('{/small/a,/none}')");
    calls.put("watch_node", "SELECT * FROM ${schema}.watch_node(1, '/small/%1$d')");
    calls.put("watch_children", "SELECT * FROM ${schema}.watch_children(1, '/small/%1$d')");
    calls.put("watch_persistent", "SELECT * FROM ${schema}.watch_persistent(1, '/small/%1$d')");
    calls.put("ring", "SELECT ${schema}.ring('/small/a', true)");
    try (TestDatabase small = TestDatabase.fresh()) {
      Plans.fillSessions(small);
      small.execute("SELECT ${schema}.create('/small/a', in_parents => true)");
      small.execute("SELECT ${schema}.watch_children(2, '/small')");
      small.execute("ANALYZE ${schema}.node, ${schema}.gathering, ${schema}.watch");
      Plans.assertNoneAtAll(small, calls, scan -> scan.startsWith("Seq Scan"), EXCEPTED);
    }
  }
}
