package dev.pgkeeper.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.Recorder;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.TreeInvariants;
import dev.pgkeeper.tree.WatchMode;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/** Every operation as somebody with psql calls it. */
class SqlOperationsTest {

  private static TestDatabase database;
  private static Keeper keeper;

  private String root;
  private Tree tree;

  @BeforeAll
  static void connect() {
    database = TestDatabase.fresh();
    keeper =
        Keeper.connect(
            database.dataSource(),
            KeeperOptions.defaults().withSchema(database.schema()).withSweep(Duration.ofHours(1)));
  }

  @AfterAll
  static void close() {
    keeper.close();
    database.close();
  }

  @BeforeEach
  void ownRoot(TestInfo test) {
    root = "/" + test.getTestMethod().orElseThrow().getName();
    keeper.tree().create(root, new byte[0]);
    tree = keeper.tree().chroot(root);
  }

  @AfterEach
  void theTablesAreSound() {
    TreeInvariants.check(database);
  }

  /** Text of the first column; {@code @} stands for this test's own root. */
  private String sql(String query) {
    return database.queryString(query.replace("'@", "'" + root));
  }

  private String code(String call) {
    return sql("SELECT (${schema}." + call + ").code");
  }

  @Test
  void createAnswersWithTheNodesPathAndNumbers() {
    assertThat(code("create('@/a')")).isEqualTo("ok");
    assertThat(sql("SELECT path FROM ${schema}.create('@/b', 'data')")).isEqualTo(root + "/b");
    assertThat(sql("SELECT path FROM ${schema}.create('@/s-', in_sequential => true)"))
        .isEqualTo(root + "/s-0000000002");
    assertThat(sql("SELECT path FROM ${schema}.create('@/x/y/z', in_parents => true)"))
        .isEqualTo(root + "/x/y/z");
    assertThat(code("create('@/c', in_kind => 'container')")).isEqualTo("ok");
    assertThat(code("create('@/t', '', 'ttl', in_ttl_ms => 60000)")).isEqualTo("ok");
    assertThat(
            sql(
                "SELECT owner FROM ${schema}.create('@/e', '', 'ephemeral', in_session => "
                    + keeper.session().id()
                    + ")"))
        .isEqualTo(Long.toString(keeper.session().id()));
    assertThat(tree.children("/")).containsExactly("a", "b", "c", "e", "s-0000000002", "t", "x");
    assertThat(tree.get("/b").data()).asString().isEqualTo("data");
    assertThat(
            sql(
                "SELECT czxid || ' ' || pzxid || ' ' || version || ' ' || data_length FROM ${schema}.create('@/n', 'xy')"))
        .isEqualTo("%1$d %1$d 0 2".formatted(tree.stat("/n").czxid()));
  }

  @Test
  void aBrokenRuleIsAnAnswerAndNotAnError() throws SQLException {
    sql("SELECT ${schema}.create('@/a/b', in_parents => true)");
    sql(
        "SELECT ${schema}.create('@/e', '', 'ephemeral', in_session => "
            + keeper.session().id()
            + ")");
    String before = TreeInvariants.snapshot(database);
    assertThat(code("create('@/a')")).isEqualTo("node_exists");
    assertThat(code("create('/')")).isEqualTo("node_exists");
    assertThat(code("create('@/none/x')")).isEqualTo("no_node");
    assertThat(code("create('@/e/x')")).isEqualTo("no_children_for_ephemerals");
    assertThat(code("create('@/bad/')")).isEqualTo("bad_arguments");
    assertThat(code("create(NULL)")).isEqualTo("bad_arguments");
    assertThat(code("create('@/t', '', 'ttl')")).isEqualTo("bad_arguments");
    assertThat(code("create('@/t', '', 'ttl', in_ttl_ms => 0)")).isEqualTo("bad_arguments");
    assertThat(code("create('@/t', '', 'ttl', in_ttl_ms => 1099511627776)"))
        .isEqualTo("bad_arguments");
    assertThat(code("create('@/t', in_ttl_ms => 5)")).isEqualTo("bad_arguments");
    assertThat(code("create('@/f', '', 'ephemeral')")).isEqualTo("session_expired");
    assertThat(code("create('@/f', '', 'ephemeral', in_session => 1)"))
        .isEqualTo("session_expired");
    assertThat(code("set('@/none', 'x')")).isEqualTo("no_node");
    assertThat(code("set('@/a', 'x', 3)")).isEqualTo("bad_version");
    assertThat(code("set('@/a', 'x', NULL)")).isEqualTo("bad_version");
    assertThat(code("delete('@/none')")).isEqualTo("no_node");
    assertThat(code("delete('@/a/b', 3)")).isEqualTo("bad_version");
    assertThat(code("delete('@/a/b', NULL)")).isEqualTo("bad_version");
    assertThat(code("delete('@/a')")).isEqualTo("not_empty");
    assertThat(code("delete('/')")).isEqualTo("bad_arguments");
    assertThat(code("delete(NULL)")).isEqualTo("no_node");
    assertThat(code("delete_recursive('@/none')")).isEqualTo("no_node");
    assertThat(code("delete_recursive('/')")).isEqualTo("bad_arguments");
    assertThat(TreeInvariants.snapshot(database)).isEqualTo(before);
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("SELECT " + database.schema() + ".create('" + root + "/first')");
      statement.execute("SELECT " + database.schema() + ".delete('" + root + "/none')");
      statement.execute("SELECT " + database.schema() + ".create('" + root + "/second')");
      connection.commit();
    }
    assertThat(tree.children("/")).containsExactly("a", "e", "first", "second");
  }

  @Test
  void readsAnswerARowOrNone() {
    tree.create("/a", "data".getBytes(java.nio.charset.StandardCharsets.UTF_8));
    tree.create("/a/2", new byte[0]);
    tree.create("/a/1", new byte[0]);
    assertThat(sql("SELECT convert_from(data, 'UTF8') FROM ${schema}.get('@/a')"))
        .isEqualTo("data");
    assertThat(
            sql(
                "SELECT concat_ws(' ', czxid, mzxid, version, cversion, owner, data_length, children, pzxid) FROM ${schema}.exists('@/a')"))
        .isEqualTo(
            sql(
                "SELECT concat_ws(' ', czxid, mzxid, version, cversion, owner, data_length, children, pzxid) FROM ${schema}.get('@/a')"))
        .isEqualTo(
            "%1$d %1$d 0 2 0 4 2 %2$d".formatted(tree.stat("/a").czxid(), tree.stat("/a").pzxid()));
    assertThat(sql("SELECT string_agg(name, ' ') FROM ${schema}.children('@/a')")).isEqualTo("1 2");
    assertThat(sql("SELECT string_agg(name, ' ') FROM ${schema}.children('@/a', '1', 5)"))
        .isEqualTo("2");
    assertThat(sql("SELECT names::text FROM ${schema}.children_at('@/a')")).isEqualTo("{1,2}");
    for (String read : new String[] {"get", "exists", "children", "children_at"}) {
      assertThat(sql("SELECT count(*) FROM ${schema}." + read + "('@/none')")).isEqualTo("0");
    }
    assertThat(
            sql(
                "SELECT string_agg(CASE WHEN present THEN concat_ws(' ', names, data_length) ELSE 'none' END, ', ') FROM ${schema}.read_all(ARRAY['@/a', '@/none', '@/a'], ARRAY[true, true, false])"))
        .isEqualTo("{1,2} 4, none, 4");
  }

  @Test
  void setAndDeleteFollowTheVersion() {
    tree.create("/a", new byte[0]);
    assertThat(sql("SELECT version FROM ${schema}.set('@/a', 'x')")).isEqualTo("1");
    assertThat(sql("SELECT version FROM ${schema}.set('@/a', 'y', 1)")).isEqualTo("2");
    assertThat(tree.get("/a").data()).asString().isEqualTo("y");
    assertThat(code("delete('@/a', 2)")).isEqualTo("ok");
    assertThat(tree.exists("/a")).isEmpty();
    sql("SELECT ${schema}.create('@/p/q/r', in_parents => true)");
    assertThat(sql("SELECT number FROM ${schema}.delete_recursive('@/p')")).isEqualTo("3");
    assertThat(tree.children("/")).isEmpty();
  }

  private String multi(String types, String paths, String data, String versions) {
    return sql(
        ("SELECT string_agg(o.code, ' ') FROM unnest(${schema}.multi(NULL, '{%s}', '{%s}', '{%s}', '{%s}',"
                + " '{persistent,persistent,persistent}', '{f,f,f}', '{NULL,NULL,NULL}')) o")
            .formatted(types, paths.replace("@", root), data, versions));
  }

  @Test
  void multiDoesAllOrNothing() {
    assertThat(multi("create,create,set", "@/a,@/a/b,@/a", "x,y,z", "NULL,NULL,0"))
        .isEqualTo("ok ok ok");
    assertThat(tree.get("/a").data()).asString().isEqualTo("z");
    String before = TreeInvariants.snapshot(database);
    assertThat(multi("set,delete,check", "@/a,@/a,@/a", "q,q,q", "1,-1,-1"))
        .isEqualTo("ok not_empty runtime_inconsistency");
    assertThat(multi("check,nonsense,set", "@/a,@/a,@/a", "q,q,q", "1,-1,-1"))
        .isEqualTo("ok bad_arguments runtime_inconsistency");
    assertThat(multi("check,set,delete", "@/a,@/a,@/a", "q,q,q", "NULL,1,1"))
        .isEqualTo("bad_version runtime_inconsistency runtime_inconsistency");
    assertThat(multi("", "", "", "")).isNull();
    assertThat(TreeInvariants.snapshot(database)).isEqualTo(before);
  }

  @Test
  void nullsBreakNoRuleUnnoticed() {
    String before = TreeInvariants.snapshot(database);
    for (String call : new String[] {"create('@/n', NULL)", "set('@', NULL)"}) {
      assertThatThrownBy(() -> code(call)).hasMessageContaining("null");
    }
    assertThat(code("create('@/n', 'payload', NULL)")).isEqualTo("bad_arguments");
    assertThat(TreeInvariants.snapshot(database)).isEqualTo(before);
    assertThat(sql("SELECT path FROM ${schema}.create('@/plain', in_sequential => NULL)"))
        .isEqualTo(root + "/plain");
  }

  @Test
  void sqlWritesRingTheWatchersOfClients() throws InterruptedException {
    Recorder recursive = new Recorder();
    Recorder once = new Recorder();
    Recorder ofChildren = new Recorder();
    tree.watch("/", WatchMode.PERSISTENT_RECURSIVE, recursive);
    tree.exists("/a", once);
    tree.children("/", ofChildren);
    sql("SELECT ${schema}.create('@/a')");
    assertThat(recursive.next()).isEqualTo("NODE_CREATED /a");
    assertThat(once.next()).isEqualTo("NODE_CREATED /a");
    assertThat(ofChildren.next()).isEqualTo("NODE_CHILDREN_CHANGED /");
    sql("SELECT ${schema}.set('@/a', 'x')");
    assertThat(recursive.next()).isEqualTo("NODE_DATA_CHANGED /a");
    sql("SELECT ${schema}.create('@/x/y', in_parents => true)");
    assertThat(recursive.next()).isEqualTo("NODE_CREATED /x");
    assertThat(recursive.next()).isEqualTo("NODE_CREATED /x/y");
    sql("SELECT ${schema}.delete_recursive('@/x')");
    assertThat(recursive.next()).isEqualTo("NODE_DELETED /x/y");
    assertThat(recursive.next()).isEqualTo("NODE_DELETED /x");
    sql("SELECT ${schema}.delete('@/a')");
    assertThat(recursive.next()).isEqualTo("NODE_DELETED /a");
    multi("create,set,create", "@/m,@/m,@/n", "x,x,x", "NULL,-1,NULL");
    assertThat(recursive.next()).isEqualTo("NODE_CREATED /m");
    assertThat(recursive.next()).isEqualTo("NODE_CREATED /n");
    multi("set,set,delete", "@/m,@/n,@/none", "x,x,x", "-1,-1,-1");
    sql("SELECT ${schema}.delete('@/none')");
    sql("SELECT ${schema}.set('@/m', 'x', 99)");
    tree.sync();
    assertThat(recursive.soFar()).isEmpty();
  }

  @Test
  void anAdministratorEndsASessionWithAllThatItOwns() throws InterruptedException {
    Recorder recorder = new Recorder();
    tree.watch("/", WatchMode.PERSISTENT_RECURSIVE, recorder);
    try (Keeper other =
        Keeper.connect(
            database.dataSource(),
            KeeperOptions.defaults()
                .withSchema(database.schema())
                .withSweep(Duration.ofHours(1)))) {
      other.tree().create(root + "/e", new byte[0], CreateMode.EPHEMERAL);
      assertThat(recorder.next()).isEqualTo("NODE_CREATED /e");
      assertThat(sql("SELECT ${schema}.session_end(" + other.session().id() + ")")).isEqualTo("t");
      assertThat(recorder.next()).isEqualTo("NODE_DELETED /e");
      assertThat(sql("SELECT ${schema}.session_end(" + other.session().id() + ")")).isEqualTo("f");
    }
  }

  @Test
  void addAnswersWithTheSumAndRefusesWhatIsNoNumber() {
    tree.create("/n", "7".getBytes(StandardCharsets.US_ASCII));
    assertThat(sql("SELECT code || ' ' || path || ' ' || value FROM ${schema}.add('@/n', 5)"))
        .isEqualTo("ok " + root + "/n 12");
    assertThat(sql("SELECT value FROM ${schema}.add('@/n')")).isEqualTo("13");
    assertThat(tree.get("/n").data()).asString().isEqualTo("13");
    assertThat(tree.stat("/n").version()).isEqualTo(2);
    assertThat(sql("SELECT code FROM ${schema}.add('@/none', 1)")).isEqualTo("no_node");
    assertThat(sql("SELECT code FROM ${schema}.add('@/n', NULL)")).isEqualTo("bad_arguments");
    assertThat(sql("SELECT code FROM ${schema}.add('@/n', 9223372036854775807)"))
        .isEqualTo("overflow");
    tree.set("/n", new byte[] {(byte) 0xff, 0, '\\'});
    assertThat(sql("SELECT code FROM ${schema}.add('@/n', 1)")).isEqualTo("not_a_number");
  }

  @Test
  void additionsThatComeTogetherHaveTheSumsOfTheirTurns() {
    tree.create("/n", "1".getBytes(StandardCharsets.US_ASCII));
    tree.create("/full", Long.toString(Long.MAX_VALUE).getBytes(StandardCharsets.US_ASCII));
    tree.create("/text", "text".getBytes(StandardCharsets.US_ASCII));
    String answers =
        sql(
            "SELECT string_agg(concat_ws(' ', code, number), ', ' ORDER BY o.step) FROM ${schema}.request_each("
                + keeper.session().id()
                + ", 1000, 1, '{add,add,add,add,add,add,add}',"
                + " ARRAY['@/n', '@/full', '@/n', '@/full', '@/text', '@/none', '@/n'],"
                + " '{5,1,-2,-1,1,1,10}', '{0,0,0,0,0,0,0}', '{x,x,x,x,x,x,x}', '{f,f,f,f,f,f,f}',"
                + " '{0,0,0,0,0,0,0}'), unnest(outcomes) WITH ORDINALITY AS o (code, path, czxid, mzxid, ctime,"
                + " mtime, version, cversion, owner, data_length, children, pzxid, number, granted, attempt, step)");
    assertThat(answers)
        .isEqualTo(
            "ok 6, overflow, ok 4, ok " + (Long.MAX_VALUE - 1) + ", not_a_number, no_node, ok 14");
    assertThat(tree.get("/n").data()).asString().isEqualTo("14");
    assertThat(tree.stat("/n").version()).isEqualTo(3);
  }
}
