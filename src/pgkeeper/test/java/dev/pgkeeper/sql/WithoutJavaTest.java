package dev.pgkeeper.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.Statement;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Whoever has psql and nothing else: no client is there that reaps, renews or knows the rules. */
class WithoutJavaTest {
  private static TestDatabase database;

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void drop() {
    database.close();
  }

  @Test
  void sessionsAndWhatTheyOwnGoByACall() {
    for (String call : new String[] {"reap()", "reap(100, NULL, NULL, NULL)"}) {
      SqlClient client = SqlClient.open(database, "gone");
      database.execute(
          "SELECT ${schema}.create('/owned', '', 'ephemeral', in_session => %d)"
              .formatted(client.session()));
      client.lock("/lock");
      client.outlast("1 hour");
      database.execute("CALL ${schema}." + call);
      assertThat(count("session WHERE id = " + client.session())).as(call).isZero();
      assertThat(count("node WHERE path = '/owned'")).as(call).isZero();
      assertThat(count("locks WHERE path = '/lock'")).as(call).isZero();
    }
  }

  @Test
  void aPlaceInTheRowAndOneWithANodeAreGivenUpByTheirOwnFunctions() {
    SqlClient client = SqlClient.open(database, "confused");
    long inRow = client.lock("/kinds");
    assertThatThrownBy(() -> database.execute("SELECT ${schema}.line_leave('/kinds')"))
        .hasMessageContaining("/kinds is a line, not a place in it")
        .hasMessageContaining("line_free('/kinds', <token>)");
    long withNode = client.join("/limited", "mutex", 1, "lock", "60000", "''");
    String node = SqlClient.node("/limited", withNode, "lock");
    assertThatThrownBy(() -> client.free(node, withNode))
        .hasMessageContaining("is a place in a line, not a line")
        .hasMessageContaining("line_leave('" + node + "')");
    assertThat(count("locks WHERE token = " + inRow)).isEqualTo(1);
    assertThat(count("node WHERE path = '" + node + "'")).isEqualTo(1);
    client.close();
  }

  @Test
  void whoJoinsWithoutDataIsRefusedInTheUsualWay() {
    SqlClient client = SqlClient.open(database, "empty");
    assertThat(
            database.queryString(
                "SELECT (outcome).code FROM ${schema}.request_join(%d, 1, 1, '/null', 'mutex', 1, 'lock', false, NULL, NULL, 7)"
                    .formatted(client.session())))
        .isEqualTo("bad_arguments");
    client.close();
  }

  @Test
  void aPathMayHaveAThousandLevels() {
    String path = "/n".repeat(999);
    assertThat(
            database.queryString(
                "SELECT code FROM ${schema}.create('" + path + "', in_parents => true)"))
        .isEqualTo("ok");
    assertThat(count("node WHERE path LIKE '/n%'")).isEqualTo(999);
  }

  @Test
  void nodesAreCountedBeforeTheFirstAnalyze() {
    database.execute("UPDATE pg_class SET reltuples = -1 WHERE oid = '${schema}.node'::regclass");
    assertThat(database.queryLong("SELECT nodes FROM ${schema}.health")).isNotNegative();
  }

  /** Logical replication carries rows over, and no sequences. */
  @Test
  void afterALogicalSwitchoverNumbersOfRowsGoOnBehindThoseThatThereAre() throws Exception {
    SqlClient before = SqlClient.open(database, "before");
    before.free("/switched", before.lock("/switched"));
    before.close();
    database.execute("SELECT ${schema}.queue_create('switched')");
    for (String table : new String[] {"past_hold.number", "past_session.number", "queue.id"}) {
      String[] column = table.split("\\.");
      database.execute(
          "SELECT setval(pg_get_serial_sequence('${schema}.%s', '%s'), 1, false)"
              .formatted(column[0], column[1]));
    }
    database.execute(
        "UPDATE ${schema}.epoch SET server_started = server_started - interval '1 hour', timeline = 0");
    // A server process looks once at which run of the server it is of.
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      statement.execute("SELECT " + database.schema() + "._next_zxid()");
    }
    SqlClient after = SqlClient.open(database, "after");
    after.free("/switched", after.lock("/switched"));
    after.close();
    database.execute("SELECT ${schema}.queue_create('switched-too')");
    assertThat(count("past_hold WHERE path = '/switched'")).isEqualTo(2);
    assertThat(count("past_session WHERE client IN ('before', 'after')")).isEqualTo(2);
  }

  private static long count(String rows) {
    return database.queryLong("SELECT count(*) FROM ${schema}." + rows);
  }
}
