package dev.pgkeeper.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.WatchMode;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What somebody sees who looks with psql. */
class ViewsTest {

  private static TestDatabase database;
  private static Keeper keeper;

  @BeforeAll
  static void connect() {
    database = TestDatabase.fresh();
    keeper =
        Keeper.connect(
            database.dataSource(),
            KeeperOptions.defaults()
                .withSchema(database.schema())
                .withClientName("orders")
                .withTimeout(Duration.ofSeconds(20))
                .withGrace(Duration.ofSeconds(3)));
  }

  @AfterAll
  static void close() {
    keeper.close();
    database.close();
  }

  @Test
  void sessionsTellsWhoLivesAndUntilWhen() {
    String mine = " FROM ${schema}.sessions WHERE session = " + keeper.session().id();
    assertThat(
            database.queryString(
                "SELECT concat_ws(' ', client, pid, alive, connected, timeout, grace)" + mine))
        .isEqualTo("orders " + ProcessHandle.current().pid() + " t t 00:00:20 00:00:03");
    assertThat(database.queryString("SELECT host" + mine)).isNotBlank();
    assertThat(
            database.queryString(
                "SELECT opened <= renewed AND renewed <= clock_timestamp()"
                    + " AND ends BETWEEN renewed + timeout AND renewed + 2 * timeout"
                    + mine))
        .isEqualTo("t");
  }

  /** Asked in the transaction that makes it old, so that no reaper is faster. */
  @Test
  void sessionsJudgesByTheClockEvenIfNobodyReaps() throws SQLException {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      String old = database.schema() + ".session WHERE id = -5";
      statement.execute(
          "INSERT INTO "
              + old.replace(" WHERE id = -5", "")
              + " (id, timeout_ms, lease_ms, grace_ms, direct, opened, renewed, client, host, pid)"
              + " VALUES (-5, 1000, 1333, 500, true, clock_timestamp(), clock_timestamp(), 'c', 'h', 1)");
      statement.execute(
          "UPDATE "
              + database.schema()
              + ".epoch SET began = clock_timestamp() - interval '1 day'");
      assertThat(judged(statement)).isEqualTo("alive, connected");
      update(statement, "suspected = clock_timestamp()");
      assertThat(judged(statement)).isEqualTo("alive, not connected");
      update(statement, "suspected = clock_timestamp() - interval '0.5 s'");
      assertThat(judged(statement)).isEqualTo("over, not connected");
      update(statement, "suspected = NULL, renewed = clock_timestamp() - interval '1.2 s'");
      assertThat(judged(statement)).isEqualTo("alive, connected");
      update(statement, "renewed = clock_timestamp() - interval '1.333 s'");
      assertThat(judged(statement)).isEqualTo("over, connected");
      connection.rollback();
    }
  }

  private static void update(Statement statement, String change) throws SQLException {
    statement.execute("UPDATE " + database.schema() + ".session SET " + change + " WHERE id = -5");
  }

  private static String judged(Statement statement) throws SQLException {
    try (ResultSet row =
        statement.executeQuery(
            "SELECT CASE WHEN alive THEN 'alive' ELSE 'over' END || CASE WHEN connected THEN ', connected'"
                + " ELSE ', not connected' END FROM "
                + database.schema()
                + ".sessions WHERE session = -5")) {
      row.next();
      return row.getString(1);
    }
  }

  @Test
  void nodesTellsEverythingButTheData() {
    keeper.tree().create("/v", "payload".getBytes(java.nio.charset.StandardCharsets.UTF_8));
    keeper.tree().create("/v/e", new byte[0], CreateMode.EPHEMERAL);
    keeper
        .tree()
        .create(
            NewNode.at("/v/t").mode(CreateMode.PERSISTENT_WITH_TTL).ttl(Duration.ofMillis(90_500)));
    keeper.tree().set("/v", new byte[3]);
    Stat stat = keeper.tree().stat("/v");
    assertThat(
            database.queryString(
                "SELECT concat_ws(' ', path, kind, version, data_length, children, alive, czxid, mzxid, pzxid, parent, name)"
                    + " FROM ${schema}.nodes WHERE path = '/v'"))
        .isEqualTo(
            "/v persistent 1 3 2 t %d %d %d / v"
                .formatted(stat.czxid(), stat.mzxid(), stat.pzxid()));
    assertThat(
            database.queryString(
                "SELECT concat_ws(' ', kind, session, alive) FROM ${schema}.nodes WHERE path = '/v/e'"))
        .isEqualTo("ephemeral " + keeper.session().id() + " t");
    assertThat(
            database.queryString(
                "SELECT concat_ws(' ', kind, session IS NULL, ttl) FROM ${schema}.nodes WHERE path = '/v/t'"))
        .isEqualTo("ttl t 00:01:30.5");
    assertThat(
            database.queryString(
                "SELECT created <= modified AND modified <= clock_timestamp() FROM ${schema}.nodes WHERE path = '/v'"))
        .isEqualTo("t");
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.nodes"))
        .isEqualTo(database.queryLong("SELECT count(*) FROM ${schema}.node"));
  }

  @Test
  void anEphemeralWhoseSessionIsOverIsNotAlive() {
    database.execute(
        "INSERT INTO ${schema}.node VALUES ('/orphan', '/', 'orphan', 'ephemeral', -77, NULL, 0, 1, 1,"
            + " clock_timestamp(), clock_timestamp(), '')");
    try {
      assertThat(database.queryString("SELECT alive FROM ${schema}.nodes WHERE path = '/orphan'"))
          .isEqualTo("f");
    } finally {
      database.execute("DELETE FROM ${schema}.node WHERE path = '/orphan'");
    }
  }

  @Test
  void watchersTellsWhoIsRungForWhat() {
    keeper.tree().create("/w", new byte[0]);
    keeper.tree().exists("/w/absent", event -> {});
    keeper.tree().get("/w", event -> {});
    keeper.tree().children("/w", event -> {});
    keeper.tree().watch("/w", WatchMode.PERSISTENT, event -> {});
    keeper.tree().watch("/w", WatchMode.PERSISTENT_RECURSIVE, event -> {});
    assertThat(
            database.queryString(
                "SELECT string_agg(concat_ws(' ', path, kind, session, client, pid), ', ' ORDER BY path, kind)"
                    + " FROM ${schema}.watchers WHERE path LIKE '/w%' AND host IS NOT NULL"))
        .isEqualTo(
            "/w children %1$s, /w node %1$s, /w persistent %1$s, /w recursive %1$s, /w/absent node %1$s"
                .formatted(keeper.session().id() + " orders " + ProcessHandle.current().pid()));
  }

  @Test
  void epochsTellsWhichRunOfTheServerThisIs() throws SQLException {
    assertThat(
            database.queryString(
                "SELECT concat_ws(' ', first >= 1, began <= clock_timestamp(), timeline >= 1, current) FROM ${schema}.epochs"))
        .isEqualTo("t t t t");
    assertThat(keeper.session().id())
        .isGreaterThan(database.queryLong("SELECT first FROM ${schema}.epochs"));
    // Never committed: a client that saw it would begin a new epoch.
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute(
          "UPDATE %1$s.epoch SET server_started = server_started - interval '1 hour'"
              .formatted(database.schema()));
      try (ResultSet row =
          statement.executeQuery("SELECT current FROM %s.epochs".formatted(database.schema()))) {
        assertThat(row.next()).isTrue();
        assertThat(row.getBoolean(1)).isFalse();
      }
      connection.rollback();
    }
  }

  @Test
  void everyViewAndEveryColumnHasAComment() {
    assertThat(
            database.queryString(
                "SELECT string_agg(c.relname || coalesce('.' || a.attname, ''), ', ')"
                    + " FROM pg_class c CROSS JOIN LATERAL (SELECT 0 AS attnum, NULL AS attname UNION ALL"
                    + " SELECT attnum, attname FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0) a"
                    + " WHERE c.relnamespace = '${schema}'::regnamespace AND c.relkind = 'v'"
                    + " AND coalesce(btrim(col_description(c.oid, a.attnum::int)),"
                    + " CASE WHEN a.attnum = 0 THEN obj_description(c.oid, 'pg_class') END, '') = ''"))
        .isNull();
    assertThat(
            database.queryLong(
                "SELECT count(*) FROM pg_views WHERE schemaname = '${schema}'"
                    + " AND viewname IN ('sessions', 'nodes', 'watchers', 'epochs',"
                    + " 'locks', 'lock_waiters', 'leaders', 'candidates')"))
        .isEqualTo(8);
  }
}
