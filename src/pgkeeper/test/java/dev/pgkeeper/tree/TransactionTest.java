package dev.pgkeeper.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/** The tree inside transactions of the caller's. */
class TransactionTest {

  private static final byte[] NONE = {};

  private static TestDatabase database;
  private static Keeper keeper;
  private static Keeper other;

  private String root;
  private Connection connection;

  /** What everybody else sees. */
  private Tree outside;

  /** What the transaction sees, with paths from the whole tree's root. */
  private TreeOperations inside;

  @BeforeAll
  static void connect() {
    database = TestDatabase.fresh();
    KeeperOptions options = KeeperOptions.defaults().withSchema(database.schema());
    keeper = Keeper.connect(database.dataSource(), options);
    other = Keeper.connect(database.dataSource(), options);
    database.execute("CREATE TABLE ${schema}_orders (id text PRIMARY KEY)");
  }

  @AfterAll
  static void close() {
    other.close();
    keeper.close();
    database.execute("DROP TABLE ${schema}_orders");
    database.close();
  }

  @BeforeEach
  void begin(TestInfo test) throws SQLException {
    root = "/" + test.getTestMethod().orElseThrow().getName();
    keeper.tree().create(root, NONE);
    outside = other.tree().chroot(root);
    connection = database.connect();
    connection.setAutoCommit(false);
    inside = keeper.tree(connection);
  }

  @AfterEach
  void theTablesAreSound() throws SQLException {
    connection.close();
    TreeInvariants.check(database);
  }

  private void order(String id) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("INSERT INTO " + database.schema() + "_orders VALUES ('" + id + "')");
    }
  }

  private static long orders(String id) {
    return database.queryLong("SELECT count(*) FROM ${schema}_orders WHERE id = '" + id + "'");
  }

  /** Every way to change the tree, on nodes that {@link #prepare} made. */
  private void changeEverything() {
    assertThat(inside.create(root + "/a", new byte[] {1})).isEqualTo(root + "/a");
    assertThat(inside.create(root + "/s-", NONE, CreateMode.PERSISTENT_SEQUENTIAL))
        .startsWith(root + "/s-00000000");
    inside.create(NewNode.at(root + "/x/y/z").mode(CreateMode.EPHEMERAL).withParents());
    inside.set(root + "/set", new byte[] {2}, 0);
    inside.delete(root + "/delete", 0);
    assertThat(inside.deleteRecursive(root + "/subtree")).isEqualTo(2);
    assertThat(
            inside.multi(
                Op.create(root + "/m", NONE),
                Op.set(root + "/m", new byte[] {3}),
                Op.check(root + "/set", 1)))
        .extracting(OpResult::path)
        .containsExactly(root + "/m", root + "/m", root + "/set");
  }

  private void prepare() {
    outside.create("/set", NONE);
    outside.create("/delete", NONE);
    outside.create(NewNode.at("/subtree/below").withParents());
  }

  @Test
  void whatWasDoneIsThereOnceItCommits() throws SQLException {
    prepare();
    String before = TreeInvariants.snapshot(database);
    changeEverything();
    order("commit");
    assertThat(TreeInvariants.snapshot(database)).isEqualTo(before);
    assertThat(inside.children(root)).contains("a", "m", "x").doesNotContain("delete", "subtree");
    assertThat(inside.get(root + "/a").data()).containsExactly(1);
    assertThat(inside.exists(root + "/delete")).isEmpty();
    assertThat(inside.childPage(root, "", 1).names()).containsExactly("a");
    assertThat(inside.readAll(List.of(Read.node(root + "/m"))).get(0).node())
        .isEqualTo(inside.get(root + "/m"));
    connection.commit();
    assertThat(outside.children("/")).contains("a", "m", "x").doesNotContain("delete", "subtree");
    assertThat(outside.get("/set").data()).containsExactly(2);
    assertThat(outside.stat("/x/y/z").ephemeralOwner()).isEqualTo(keeper.session().id());
    assertThat(orders("commit")).isEqualTo(1);
  }

  @Test
  void whatWasDoneIsGoneOnceItRollsBack() throws SQLException {
    prepare();
    String before = TreeInvariants.snapshot(database);
    changeEverything();
    order("rollback");
    connection.rollback();
    assertThat(TreeInvariants.snapshot(database)).isEqualTo(before);
    assertThat(orders("rollback")).isZero();
  }

  @Test
  void aSavepointTakesBackWhatCameAfterIt() throws SQLException {
    inside.create(root + "/kept", NONE);
    Savepoint savepoint = connection.setSavepoint();
    inside.create(root + "/dropped", NONE);
    connection.rollback(savepoint);
    assertThat(inside.exists(root + "/dropped")).isEmpty();
    connection.commit();
    assertThat(outside.children("/")).containsExactly("kept");
  }

  @Test
  void aRefusalLeavesTheTransactionUsable() throws SQLException {
    outside.create(NewNode.at("/a/b").withParents());
    outside.create("/e", NONE, CreateMode.EPHEMERAL);
    order("refused");
    inside.create(root + "/before", NONE);
    assertThatThrownBy(() -> inside.create(root + "/a", NONE))
        .isInstanceOf(KeeperException.NodeExists.class);
    assertThatThrownBy(() -> inside.create(root + "/none/x", NONE))
        .isInstanceOf(KeeperException.NoNode.class);
    assertThatThrownBy(() -> inside.create(root + "/e/x", NONE))
        .isInstanceOf(KeeperException.NoChildrenForEphemerals.class);
    assertThatThrownBy(() -> inside.get(root + "/none")).isInstanceOf(KeeperException.NoNode.class);
    assertThatThrownBy(() -> inside.set(root + "/none", NONE))
        .isInstanceOf(KeeperException.NoNode.class);
    assertThatThrownBy(() -> inside.set(root + "/a", NONE, 5))
        .isInstanceOf(KeeperException.BadVersion.class);
    assertThatThrownBy(() -> inside.delete(root + "/a/b", 5))
        .isInstanceOf(KeeperException.BadVersion.class);
    assertThatThrownBy(() -> inside.delete(root + "/a"))
        .isInstanceOf(KeeperException.NotEmpty.class);
    assertThatThrownBy(() -> inside.deleteRecursive(root + "/none"))
        .isInstanceOf(KeeperException.NoNode.class);
    assertThatThrownBy(
            () -> inside.multi(Op.create(root + "/never", NONE), Op.delete(root + "/none")))
        .isInstanceOf(KeeperException.MultiFailed.class);
    assertThatThrownBy(() -> inside.create("no path", NONE))
        .isInstanceOf(IllegalArgumentException.class);
    inside.create(root + "/after", NONE);
    connection.commit();
    assertThat(outside.children("/")).containsExactly("a", "after", "before", "e");
    assertThat(orders("refused")).isEqualTo(1);
  }

  @Test
  void watchersHearAfterTheCommitAndNotBefore() throws Exception {
    prepare();
    Recorder recursive = new Recorder();
    Recorder own = new Recorder();
    outside.watch("/", WatchMode.PERSISTENT_RECURSIVE, recursive);
    keeper.tree().watch(root, WatchMode.PERSISTENT_RECURSIVE, own);
    changeEverything();
    assertThat(inside.exists(root + "/a")).isPresent();
    outside.sync();
    keeper.tree().sync();
    assertThat(recursive.soFar()).isEmpty();
    assertThat(own.soFar()).isEmpty();
    connection.commit();
    outside.sync();
    assertThat(recursive.soFar())
        .containsExactlyInAnyOrder(
            "NODE_CREATED /a",
            "NODE_CREATED /s-0000000004",
            "NODE_CREATED /x",
            "NODE_CREATED /x/y",
            "NODE_CREATED /x/y/z",
            "NODE_DATA_CHANGED /set",
            "NODE_DELETED /delete",
            "NODE_DELETED /subtree",
            "NODE_DELETED /subtree/below",
            "NODE_CREATED /m");
    keeper.tree().sync();
    assertThat(own.soFar()).hasSize(10);
  }

  @Test
  void watchersNeverHearOfWhatWasRolledBack() throws Exception {
    prepare();
    Recorder recursive = new Recorder();
    Recorder ofNode = new Recorder();
    outside.watch("/", WatchMode.PERSISTENT_RECURSIVE, recursive);
    outside.exists("/a", ofNode);
    outside.get("/set", ofNode);
    changeEverything();
    connection.rollback();
    outside.sync();
    assertThat(recursive.soFar()).isEmpty();
    assertThat(ofNode.soFar()).isEmpty();
  }

  @Test
  void anEphemeralOfATransactionGoesWithTheSession() throws Exception {
    KeeperOptions options = KeeperOptions.defaults().withSchema(database.schema());
    try (Keeper shortLived = Keeper.connect(database.dataSource(), options)) {
      shortLived.tree(connection).create(root + "/e", NONE, CreateMode.EPHEMERAL);
      connection.commit();
      assertThat(outside.stat("/e").ephemeralOwner()).isEqualTo(shortLived.session().id());
    }
    assertThat(outside.exists("/e")).isEmpty();
  }

  @Test
  void othersWaitForItsTurnAtTheSameParentAndThenSeeItsOutcome() throws Exception {
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try {
      inside.create(root + "/s-", NONE, CreateMode.PERSISTENT_SEQUENTIAL);
      CountDownLatch asking = new CountDownLatch(1);
      Future<String> waiting =
          thread.submit(
              () -> {
                asking.countDown();
                return outside.create("/s-", NONE, CreateMode.PERSISTENT_SEQUENTIAL);
              });
      asking.await();
      assertThat(outside.exists("/s-0000000000")).isEmpty();
      connection.rollback();
      assertThat(waiting.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isEqualTo("/s-0000000000");
    } finally {
      thread.shutdownNow();
    }
  }

  @Test
  void onAConnectionInAutocommitEachOperationIsOfItsOwn() throws SQLException {
    connection.setAutoCommit(true);
    inside.create(root + "/a", NONE);
    assertThat(outside.exists("/a")).isPresent();
  }

  @Test
  void aSerializableTransactionIsServedAndHearsOfAConflict() throws Exception {
    outside.create("/n", NONE);
    connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
    assertThat(inside.get(root + "/n").stat().version()).isZero();
    outside.set("/n", new byte[] {1});
    assertThat(inside.get(root + "/n").stat().version()).isZero();
    assertThatThrownBy(() -> inside.set(root + "/n", new byte[] {2}))
        .isInstanceOf(KeeperException.DatabaseError.class)
        .hasMessageContaining("40001");
    connection.rollback();
    assertThatThrownBy(() -> inside.delete(root + "/n", -1))
        .isInstanceOf(KeeperException.WrongIsolation.class);
    connection.rollback();
    inside.create(root + "/m", NONE);
    inside.set(root + "/n", new byte[] {2});
    connection.commit();
    assertThat(outside.get("/n").data()).containsExactly(2);
  }

  @Test
  void theCallersSettingsStayAsTheyWere() throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("SET search_path = information_schema");
      statement.execute("SET LOCAL synchronous_commit = local");
    }
    changeNothingTwice();
    assertThat(setting("search_path")).isEqualTo("information_schema");
    assertThat(setting("synchronous_commit")).isEqualTo("local");
    assertThat(connection.getAutoCommit()).isFalse();
  }

  private void changeNothingTwice() {
    prepare();
    changeEverything();
  }

  private String setting(String name) throws SQLException {
    try (Statement statement = connection.createStatement();
        var row = statement.executeQuery("SHOW " + name)) {
      row.next();
      return row.getString(1);
    }
  }

  @Test
  void aClosedKeeperDoesNothingOnAnOpenConnection() throws SQLException {
    Keeper closed =
        Keeper.connect(
            database.dataSource(), KeeperOptions.defaults().withSchema(database.schema()));
    TreeOperations stale = closed.tree(connection);
    closed.close();
    assertThatThrownBy(() -> stale.create(root + "/a", NONE))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    connection.commit();
    assertThat(outside.exists("/a")).isEmpty();
  }

  @Test
  void anEndedSessionOwnsNothingNewButTheTransactionGoesOn() throws SQLException {
    Keeper ended =
        Keeper.connect(
            database.dataSource(),
            KeeperOptions.defaults().withSchema(database.schema()).withLeaseOnly());
    database.execute("SELECT ${schema}.session_end(" + ended.session().id() + ")");
    TreeOperations stale = ended.tree(connection);
    assertThatThrownBy(() -> stale.create(root + "/e", NONE, CreateMode.EPHEMERAL))
        .isInstanceOf(KeeperException.SessionExpired.class);
    inside.create(root + "/a", NONE);
    connection.commit();
    ended.close();
    assertThat(outside.children("/")).containsExactly("a");
  }
}
