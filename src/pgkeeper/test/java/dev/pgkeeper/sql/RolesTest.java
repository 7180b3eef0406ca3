package dev.pgkeeper.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.Logins;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.Read;
import dev.pgkeeper.tree.Recorder;
import dev.pgkeeper.tree.TreeInvariants;
import dev.pgkeeper.tree.WatchMode;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

/** Who may do what. Every role here logs in by itself. */
class RolesTest {

  private static final byte[] NONE = {};
  private static final List<String> VIEWS =
      List.of(
          "sessions",
          "nodes",
          "watchers",
          "epochs",
          "queues",
          "in_flight",
          "dead_letters",
          "queue_consumers",
          "queue_rates",
          "holds",
          "history",
          "history_settings",
          "past_sessions",
          "operations",
          "registrations",
          "settings",
          "health");

  /** A call of each function that is for operators. */
  private static final List<String> OPERATIONS =
      List.of(
          "end_session(1, 'test')",
          "break_lock('/n', 'test')",
          "move_leadership('/n', 'x', 'test')",
          "pause_queue('roles', 'test')",
          "resume_queue('roles', 'test')",
          "pause_job('roles', 'test')",
          "resume_job('roles', 'test')",
          "trigger_job('roles', 'test')",
          "redrive_queue('roles', 'test')",
          "purge_queue('roles', 'test')",
          "discard_dead_letters('roles', 'test')",
          "prune('history', '1 day', 'test')",
          "configure_history('test')");

  /** Functions that views call. */
  private static final Set<String> OF_VIEWS =
      Set.of(
          "protocol",
          "_leases_from",
          "_lease_end",
          "_suspicion_end",
          "_text_of",
          "_candidate_identity",
          "_channel",
          "_lock_key",
          "_hold_what",
          "_history_on",
          "held_at");

  private static final Set<String> OF_THE_OWNER =
      Set.of(
          "_pin_all",
          "grant_all",
          "_pin_and_grant",
          "_grant_as",
          "grant_application",
          "grant_inspector",
          "grant_operator",
          "revoke_role",
          "_let_in",
          "_let_out",
          "_withdraw_all",
          "_history_switch",
          "_note_operation");

  private static TestDatabase database;
  private static Logins logins;

  @BeforeAll
  static void createRoles() {
    database = TestDatabase.fresh();
    database.execute("SELECT ${schema}.create('/n', 'payload')");
    logins = Logins.ofEveryKind(database);
  }

  @AfterAll
  static void dropRoles() {
    logins.close();
    database.close();
  }

  private static String name(String role) {
    return logins.role(role);
  }

  private static PGSimpleDataSource as(String role) {
    return logins.dataSource(role);
  }

  private static void runAs(String role, String sql) throws SQLException {
    logins.run(role, sql);
  }

  private static void assertDenied(String role, String sql) {
    SQLException denied = catchThrowableOfType(SQLException.class, () -> runAs(role, sql));
    assertThat(denied == null ? "nothing" : denied.getSQLState())
        .as(role + ": " + sql)
        .isEqualTo("42501");
  }

  private static List<String> names(String query) throws SQLException {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(query.replace("${schema}", database.schema()))) {
      List<String> names = new ArrayList<>();
      while (rows.next()) {
        names.add(rows.getString(1));
      }
      return names;
    }
  }

  private static List<String> tables() throws SQLException {
    return names(
        "SELECT relname FROM pg_class WHERE relnamespace = '${schema}'::regnamespace AND relkind = 'r'");
  }

  @Test
  void anApplicationDoesEverythingThatTheLibraryDoes() throws Exception {
    KeeperOptions options = KeeperOptions.defaults().withSchema(database.schema());
    long session;
    try (Keeper keeper = Keeper.connect(as("application"), options);
        Keeper other = Keeper.connect(as("application"), options.withLeaseOnly())) {
      session = keeper.session().id();
      Recorder recursive = new Recorder();
      Recorder polled = new Recorder();
      keeper.tree().create("/app", NONE);
      keeper.tree().watch("/app", WatchMode.PERSISTENT_RECURSIVE, recursive);
      keeper.tree().watch("/app", WatchMode.PERSISTENT, recursive);
      other.tree().exists("/app/e", polled);
      keeper.tree().create("/app/e", NONE, CreateMode.EPHEMERAL);
      assertThat(recursive.next()).isEqualTo("NODE_CREATED /app/e");
      keeper.tree().get("/app/e", recursive);
      keeper.tree().children("/app", recursive);
      keeper.tree().set("/app/e", new byte[] {1}, 0);
      keeper.tree().create(NewNode.at("/app/p/q").withParents());
      keeper.tree().create("/app/s-", NONE, CreateMode.EPHEMERAL_SEQUENTIAL);
      keeper.tree().multi(Op.create("/app/m", NONE), Op.check("/app", 0), Op.delete("/app/m"));
      keeper.tree().readAll(List.of(Read.node("/app"), Read.children("/app")));
      keeper.tree().childPage("/app", "", 10);
      assertThat(keeper.tree().deleteRecursive("/app/p")).isEqualTo(2);
      try (Connection connection = as("application").getConnection()) {
        connection.setAutoCommit(false);
        keeper.tree(connection).create("/app/t", NONE);
        keeper.tree(connection).multi(Op.delete("/app/t"), Op.set("/app", NONE));
        connection.commit();
      }
      keeper.tree().sync();
      assertThat(polled.next()).isEqualTo("NODE_CREATED /app/e");
      for (String housework :
          List.of(
              "CALL ${schema}.reap(10, NULL, NULL, NULL)",
              "SELECT ${schema}.reap_nodes(10)",
              "SELECT ${schema}.settle(" + session + ", 99, 1)",
              "SELECT * FROM ${schema}.sessions, ${schema}.nodes, ${schema}.watchers, ${schema}.epochs",
              "SELECT * FROM ${schema}.protocol()")) {
        runAs("application", housework);
      }
    }
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.sessions")).isZero();
    TreeInvariants.check(database);
  }

  @Test
  void anApplicationDoesEverythingWithQueues() throws SQLException {
    long session =
        database.queryLong("SELECT ${schema}.session_open(600000, 60000, false, 'c', 'h', 1)");
    for (String call :
        List.of(
            "queue_create('roles')",
            "subscribe('roles', 's')",
            "request_enqueue(%d, 1, 1, 'roles', '{a,b,c}')",
            "request_enqueue_all(%d, 1, 2, '{roles}', '{d}', '{1}', '{0}', '{k}', '{\"{h,v}\"}', '{100000}', '{d}')",
            "request_publish(%d, 1, 3, 'roles', 'm', NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
            "publish('roles', 'm')",
            "take(%d, 1, 'roles', 2, NULL, true, NULL, NULL, NULL, true, false)",
            "take(%d, 3, 'roles', 9, 60000, false, '{1}', NULL, NULL, true, true)",
            "take(%1$d, 4, 'roles', 1, NULL, false, '{2,3}', NULL, NULL, true, false)",
            "ring_idle('{roles}', '{1}')",
            "enqueue('roles', 'e')",
            "take_leased('roles', 1, '1 h')",
            "request_return(%d, 1, 4, '{9}', '{9}', '{retry}', NULL, NULL)",
            "extend(1, 1, %d)",
            "claim_split(%d, 1, 1, 2)",
            "claims_forget(%d, '{}', 9)",
            "queue_tidy('{roles}')",
            "pause('roles')",
            "resume('roles')",
            "peek('roles', 3)",
            "take_now('roles/s', 1)",
            "redrive('roles')",
            "discard('roles')",
            "purge('roles')",
            "request_administer(%d, 1, 5, 'purge', 'roles', NULL, NULL, NULL)",
            "nack(1, 1)",
            "subscriptions('roles')",
            "queue_report('{roles}', '{1}', '{1}', '{1}', '{1}', '{1}')",
            "session_end(%d)",
            "unsubscribe('roles', 's')",
            "queue_drop('roles')")) {
      runAs("application", "SELECT ${schema}." + call.formatted(session));
    }
  }

  @Test
  void anApplicationBeginsAnEpochAfterARestart() throws Exception {
    database.execute(
        "UPDATE ${schema}.epoch SET server_started = server_started - interval '1 hour', timeline = 0");
    // A server process looks once at which run of the server it is of.
    logins.disconnect();
    runAs("application", "SELECT ${schema}.create('/epoch')");
    assertThat(
            database.queryString("SELECT current || ' ' || (timeline > 0) FROM ${schema}.epochs"))
        .isEqualTo("true true");
  }

  @Test
  void anApplicationCannotChangeTheSchemaOrLetOthersIn() {
    for (String ddl :
        List.of(
            "CREATE TABLE ${schema}.mine (x int)",
            "CREATE FUNCTION ${schema}.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE VIEW ${schema}.mine AS SELECT 1",
            "DROP TABLE ${schema}.reply",
            "DROP FUNCTION ${schema}._tidy()",
            "DROP SCHEMA ${schema} CASCADE",
            "ALTER TABLE ${schema}.node ADD COLUMN x int",
            "CREATE INDEX ON ${schema}.node (data)",
            "TRUNCATE ${schema}.node",
            "CREATE OR REPLACE FUNCTION ${schema}._tidy() RETURNS void LANGUAGE sql AS ''",
            "INSERT INTO ${schema}.grantee VALUES ('x', 'application')",
            "SELECT * FROM ${schema}.grantee",
            "CALL ${schema}.grant_application('" + name("nobody") + "')",
            "CALL ${schema}.grant_inspector('" + name("nobody") + "')",
            "CALL ${schema}.grant_operator('" + name("nobody") + "')",
            "SELECT ${schema}._grant_as('" + name("nobody") + "', 'operator')",
            "SELECT ${schema}.grant_all()",
            "SELECT ${schema}._pin_and_grant()",
            "SELECT ${schema}._history_switch(false)")) {
      assertDenied("application", ddl);
      assertDenied("operator", ddl);
    }
  }

  @Test
  void anApplicationOperatesOnNothingAndSeesWhatOperatorsDid() throws SQLException {
    assertThat(
            names(
                "SELECT proname FROM pg_proc WHERE pronamespace = '${schema}'::regnamespace"
                    + " AND (prosecdef OR proname ~ '^grant_' OR proname = '_history_switch')"
                    + " AND has_function_privilege('"
                    + name("application")
                    + "', oid, 'EXECUTE')"))
        .isEmpty();
    for (String operation : OPERATIONS) {
      assertDenied("application", "SELECT ${schema}." + operation);
    }
    runAs("application", "SELECT * FROM ${schema}.operations");
    for (String change :
        List.of(
            "DELETE FROM ${schema}.operation",
            "UPDATE ${schema}.operation SET who = 'somebody else'",
            "INSERT INTO ${schema}.operation (at, who, what, why, result) VALUES (now(), 'x', 'x', 'x', 'x')")) {
      assertDenied("application", change);
    }
  }

  @Test
  void anOperatorSeesTheViewsCallsWhatIsForOperatorsAndNothingElse() throws SQLException {
    for (String view : names("SELECT viewname FROM pg_views WHERE schemaname = '${schema}'")) {
      runAs("operator", "SELECT * FROM ${schema}." + view);
    }
    runAs("operator", "SELECT * FROM ${schema}.held_at('/n')");
    for (String operation : OPERATIONS) {
      SQLException failed =
          catchThrowableOfType(
              SQLException.class, () -> runAs("operator", "SELECT ${schema}." + operation));
      assertThat(failed == null ? "done" : failed.getSQLState())
          .as(operation)
          .isIn("done", "PK004");
    }
    for (String table : tables()) {
      if (!table.equals("epoch")) {
        assertDenied("operator", "SELECT * FROM ${schema}." + table);
      }
      assertDenied("operator", "DELETE FROM ${schema}." + table);
    }
    List<String> others =
        names(
            "SELECT format('%s %s(%s)', CASE prokind WHEN 'p' THEN 'CALL' ELSE 'SELECT' END, oid::regproc,"
                + " (SELECT string_agg('NULL::' || t::regtype, ', ' ORDER BY n) FROM unnest(proargtypes) WITH ORDINALITY AS a (t, n)))"
                + " FROM pg_proc WHERE pronamespace = '${schema}'::regnamespace AND NOT prosecdef AND prokind = 'f'"
                + " AND NOT has_function_privilege('"
                + name("inspector")
                + "', oid, 'EXECUTE')");
    assertThat(others).hasSizeGreaterThan(100);
    others.forEach(call -> assertDenied("operator", call));
  }

  @Test
  void whoOperatesIsWhoeverLoggedIn() throws SQLException {
    runAs("operator", "SELECT ${schema}.configure_history('who is it?')");
    assertThat(names("SELECT DISTINCT who FROM ${schema}.operations WHERE why = 'who is it?'"))
        .containsExactly(name("operator"));
  }

  /** What each kind may call is written out here; that it is what they can call is tried. */
  @ParameterizedTest
  @ValueSource(strings = {"nobody", "inspector", "application", "operator", "both"})
  void eachRoleMayCallWhatItsKindMayAndNothingElse(String login) throws SQLException {
    List<EveryCall> calls = EveryCall.of(database);
    assertThat(calls).hasSizeGreaterThan(400);
    try (Connection connection = logins.connect(login);
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      for (EveryCall call : calls) {
        assertThat(isAllowed(connection, statement, call.sql()))
            .as(login + ": " + call.sql())
            .isEqualTo(mayCall(login, call));
      }
    }
  }

  private static boolean isAllowed(Connection connection, Statement statement, String sql)
      throws SQLException {
    try {
      statement.execute(sql);
      return true;
    } catch (SQLException e) {
      return !"42501".equals(e.getSQLState());
    } finally {
      connection.rollback();
    }
  }

  private static boolean mayCall(String login, EveryCall call) {
    boolean inspector = call.isView() || OF_VIEWS.contains(call.name());
    boolean operator = inspector || call.ofOperators();
    boolean application = !call.ofOperators() && !OF_THE_OWNER.contains(call.name());
    return switch (login) {
      case "inspector" -> inspector;
      case "operator" -> operator;
      case "application" -> application;
      case "both" -> application || operator;
      default -> false;
    };
  }

  /** Several views can be written through, which is done with the owner's rights. */
  @Test
  void nobodyWritesThroughAView() throws SQLException {
    List<String> writable =
        names(
            "SELECT table_name FROM information_schema.views WHERE table_schema = '${schema}'"
                + " AND 'YES' IN (is_updatable, is_insertable_into, is_trigger_updatable,"
                + " is_trigger_deletable, is_trigger_insertable_into)");
    assertThat(writable).contains("operations", "past_sessions", "history_settings");
    for (String login : List.of("nobody", "inspector", "application", "operator", "both")) {
      for (String view : writable) {
        String column =
            names(
                    "SELECT column_name FROM information_schema.columns WHERE table_schema = '${schema}'"
                        + " AND is_updatable = 'YES' AND table_name = '"
                        + view
                        + "'")
                .get(0);
        assertDenied(login, "DELETE FROM ${schema}." + view);
        assertDenied(login, "UPDATE ${schema}." + view + " SET " + column + " = NULL");
        assertDenied(login, "INSERT INTO ${schema}." + view + " (" + column + ") VALUES (NULL)");
      }
      assertThat(
              names(
                  "SELECT viewname || ' ' || privilege FROM pg_views,"
                      + " unnest('{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS privilege"
                      + " WHERE schemaname = '${schema}' AND has_table_privilege('"
                      + name(login)
                      + "', format('%I.%I', schemaname, viewname), privilege)"))
          .isEmpty();
    }
  }

  @Test
  void theSecretOfTheKeysIsKnownToApplicationsAlone() throws SQLException {
    runAs("application", "SELECT salt FROM ${schema}.secret");
    for (String login : List.of("nobody", "inspector", "operator")) {
      assertDenied(login, "SELECT salt FROM ${schema}.secret");
    }
    assertDenied("application", "UPDATE ${schema}.secret SET salt = ''");
    assertDenied("application", "DELETE FROM ${schema}.secret");
  }

  @Test
  void aRoleThatIsLetOutStaysOut() throws SQLException {
    logins.create("leaving");
    database.execute("CALL ${schema}.grant_application('" + name("leaving") + "')");
    runAs("leaving", "SELECT ${schema}.set('/n', 'payload')");
    database.execute("CALL ${schema}.revoke_role('" + name("leaving") + "')");
    assertDenied("leaving", "SELECT ${schema}.set('/n', 'payload')");
    database.execute("SELECT ${schema}.grant_all()");
    assertDenied("leaving", "SELECT ${schema}.set('/n', 'payload')");
    assertThatThrownBy(() -> database.execute("CALL ${schema}.revoke_role('nöbody')"))
        .hasMessageContaining("there is no role \"nöbody\"");
  }

  /** Said, and not done as if that were all. */
  @Test
  void aRoleThatIsAMemberOfOneThatWasLetInIsNotLetOutByItself() throws SQLException {
    assertThatThrownBy(() -> database.execute("CALL ${schema}.revoke_role('" + name("both") + "')"))
        .hasMessageContaining("has rights here that are not its own");
    runAs("both", "SELECT * FROM ${schema}.sessions");
  }

  @Test
  void aRoleThatWasRenamedIsNamedWhereItsOldNameIsLetOut() throws SQLException {
    logins.create("former");
    database.execute("CALL ${schema}.grant_inspector('" + name("former") + "')");
    database.execute("ALTER ROLE %s RENAME TO %s_now".formatted(name("former"), name("former")));
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      statement.execute("CALL %s.revoke_role('%s')".formatted(database.schema(), name("former")));
      assertThat(statement.getWarnings().getMessage()).contains(name("former") + "_now");
      statement.execute(
          "CALL %s.revoke_role('%s_now')".formatted(database.schema(), name("former")));
      assertThat((Object) statement.getWarnings()).isNull();
    } finally {
      database.execute("ALTER ROLE %1$s_now RENAME TO %1$s".formatted(name("former")));
    }
    assertDenied("former", "SELECT * FROM ${schema}.sessions");
  }

  /** Its successor has nothing but the name. */
  @Test
  void aRoleThatIsGivenTheNameOfOneThatWasDroppedIsNotLetIn() throws SQLException {
    logins.create("successor");
    database.execute("CALL ${schema}.grant_operator('" + name("successor") + "')");
    logins.drop("successor");
    logins.create("successor");
    database.execute("SELECT ${schema}.grant_all()");
    assertDenied("successor", "SELECT * FROM ${schema}.sessions");
    assertDenied("successor", "SELECT ${schema}.purge_queue('roles', 'test')");
    logins.drop("successor");
    database.execute("CALL ${schema}.revoke_role('" + name("successor") + "')");
    logins.create("successor");
    database.execute("CALL ${schema}.grant_inspector('" + name("successor") + "')");
    runAs("successor", "SELECT * FROM ${schema}.sessions");
  }

  @Test
  void theOwnerIsNotMadeLessThanItIs() {
    assertThatThrownBy(
            () ->
                database.execute(
                    "DO $$ BEGIN EXECUTE format('CALL ${schema}.grant_inspector(%L)', current_user); END $$"))
        .hasMessageContaining("owns the schema");
  }

  @Test
  void anApplicationCannotRewriteTheHistoryOfMigrations() {
    for (String change :
        List.of(
            "DELETE FROM ${schema}.migration_history",
            "UPDATE ${schema}.migration_history SET checksum = 0",
            "INSERT INTO ${schema}.migration_history SELECT * FROM ${schema}.migration_history")) {
      assertDenied("application", change);
    }
  }

  @Test
  void anInspectorSeesTheViewsAndNoPayload() throws SQLException {
    for (String view : names("SELECT viewname FROM pg_views WHERE schemaname = '${schema}'")) {
      runAs("inspector", "SELECT * FROM ${schema}." + view);
    }
    runAs("inspector", "SELECT * FROM ${schema}.protocol()");
    runAs("inspector", "SELECT * FROM ${schema}.held_at('/n')");
    assertThat(
            names(
                "SELECT table_name || '.' || column_name FROM information_schema.columns c"
                    + " JOIN pg_views v ON v.schemaname = c.table_schema AND v.viewname = c.table_name"
                    + " WHERE c.table_schema = '${schema}' AND (data_type = 'bytea' OR column_name IN ('data', 'results'))"))
        .isEmpty();
    assertThat(names("SELECT viewname FROM pg_views WHERE schemaname = '${schema}'"))
        .containsAll(VIEWS);
  }

  @Test
  void anInspectorReadsNoTableAndRunsNothing() throws SQLException {
    for (String operation : OPERATIONS) {
      assertDenied("inspector", "SELECT ${schema}." + operation);
    }
    for (String table : tables()) {
      if (!table.equals("epoch")) { // which the views' functions read, and which tells no secret
        assertDenied("inspector", "SELECT * FROM ${schema}." + table);
      }
      assertDenied("inspector", "DELETE FROM ${schema}." + table);
    }
    for (String call :
        List.of(
            "SELECT * FROM ${schema}.get('/n')",
            "SELECT * FROM ${schema}.children('/')",
            "SELECT ${schema}.create('/x')",
            "SELECT ${schema}.set('/n', '')",
            "SELECT ${schema}.delete('/n')",
            "SELECT ${schema}.session_end(1)",
            "SELECT ${schema}.enqueue('roles', 'x')",
            "SELECT ${schema}.peek('roles')",
            "SELECT ${schema}.take_leased('roles', 1, '1 s')",
            "SELECT ${schema}.queue_drop('roles')",
            "CALL ${schema}.reap(1, NULL, NULL, NULL)",
            "SELECT nextval('${schema}.zxid')",
            "SELECT ${schema}.grant_all()")) {
      assertDenied("inspector", call);
    }
  }

  @Test
  void thePublicHasNothing() throws SQLException {
    assertThat(
            names(
                "SELECT 'schema' FROM pg_namespace, aclexplode(nspacl) a WHERE nspname = '${schema}' AND a.grantee = 0"
                    + " UNION ALL SELECT relname FROM pg_class, aclexplode(relacl) a"
                    + " WHERE relnamespace = '${schema}'::regnamespace AND a.grantee = 0"
                    + " UNION ALL SELECT proname FROM pg_proc,"
                    + " aclexplode(coalesce(proacl, acldefault('f', proowner))) a"
                    + " WHERE pronamespace = '${schema}'::regnamespace AND a.grantee = 0"))
        .isEmpty();
    for (String view : VIEWS) {
      assertDenied("nobody", "SELECT * FROM ${schema}." + view);
    }
    assertDenied("nobody", "SELECT * FROM ${schema}.get('/n')");
    assertDenied("nobody", "SELECT * FROM ${schema}.protocol()");
    assertThatThrownBy(
            () ->
                Keeper.connect(
                    as("nobody"), KeeperOptions.defaults().withSchema(database.schema())))
        .isInstanceOf(KeeperException.DatabaseError.class)
        .hasMessageContaining("grant_application");
  }

  /** A procedure that commits can have no path of its own: three, which name all that they use. */
  @Test
  void everyFunctionIsBoundOrHasAPathOfItsOwn() throws SQLException {
    assertThat(
            names(
                "SELECT proname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang"
                    + " WHERE pronamespace = '${schema}'::regnamespace AND CASE lanname WHEN 'sql' THEN prosqlbody IS NULL"
                    + " ELSE NOT 'search_path=pg_catalog, pg_temp' = ANY (coalesce(proconfig, '{}')) END"))
        .containsExactlyInAnyOrder("reap", "reap", "request_add");
  }

  @Test
  void onlyWhatIsForOperatorsRunsWithItsOwnersRightsAndSeesNobodysSearchPath() throws SQLException {
    assertThat(
            names(
                "SELECT proname FROM pg_proc WHERE pronamespace = '${schema}'::regnamespace AND prosecdef"))
        .containsExactlyInAnyOrderElementsOf(
            OPERATIONS.stream().map(call -> call.substring(0, call.indexOf('('))).toList());
    assertThat(
            names(
                "SELECT proname FROM pg_proc WHERE pronamespace = '${schema}'::regnamespace AND prosecdef"
                    + " AND NOT 'search_path=pg_catalog, pg_temp' = ANY (coalesce(proconfig, '{}'))"))
        .isEmpty();
  }

  @Test
  void grantsReachWhatLaterMigrationsAdd() throws SQLException {
    database.execute("CREATE TABLE ${schema}.later (x int)");
    database.execute("CREATE VIEW ${schema}.later_view AS SELECT x FROM ${schema}.later");
    database.execute(
        "CREATE FUNCTION ${schema}.later_function() RETURNS int LANGUAGE sql AS 'SELECT 1'");
    try {
      assertDenied("application", "SELECT * FROM ${schema}.later");
      database.execute("SELECT ${schema}.grant_all()");
      runAs("application", "INSERT INTO ${schema}.later VALUES (1)");
      runAs("application", "SELECT ${schema}.later_function()");
      runAs("operator", "SELECT * FROM ${schema}.later_view");
      assertDenied("operator", "SELECT ${schema}.later_function()");
      runAs("inspector", "SELECT * FROM ${schema}.later_view");
      assertDenied("inspector", "SELECT * FROM ${schema}.later");
      assertDenied("inspector", "SELECT ${schema}.later_function()");
      assertDenied("nobody", "SELECT ${schema}.later_function()");
    } finally {
      database.execute("DROP FUNCTION ${schema}.later_function()");
      database.execute("DROP TABLE ${schema}.later CASCADE");
    }
  }

  @Test
  void aRoleOfAnotherKindLosesWhatItHad() throws SQLException {
    logins.create("changing");
    database.execute("CALL ${schema}.grant_application('" + name("changing") + "')");
    runAs("changing", "SELECT ${schema}.set('/n', 'payload')");
    database.execute("CALL ${schema}.grant_inspector('" + name("changing") + "')");
    runAs("changing", "SELECT * FROM ${schema}.nodes");
    assertDenied("changing", "SELECT data FROM ${schema}.node");
    assertDenied("changing", "SELECT ${schema}.set('/n', 'payload')");
    assertDenied("changing", "SELECT nextval('${schema}.zxid')");
    database.execute("CALL ${schema}.grant_application('" + name("changing") + "')");
    runAs("changing", "SELECT ${schema}.set('/n', 'payload')");
  }

  @Test
  void aRoleThatDoesNotExistIsAnError() {
    for (String procedure : List.of("grant_application", "grant_inspector")) {
      assertThatThrownBy(() -> database.execute("CALL ${schema}." + procedure + "('nöbody')"))
          .hasMessageContaining("nöbody");
    }
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.grantee WHERE role = 'nöbody'"))
        .isZero();
  }

  @Test
  void aRolesNameIsQuotedWhereItHasToBe() {
    String odd = database.roleName("Odd \"name\";");
    database.execute("CREATE ROLE \"" + odd.replace("\"", "\"\"") + "\"");
    database.execute("CALL ${schema}.grant_application('" + odd + "')");
    assertThat(
            database.queryString(
                "SELECT has_table_privilege('" + odd + "', '${schema}.node', 'UPDATE')"))
        .isEqualTo("t");
    database.execute("DROP OWNED BY \"" + odd.replace("\"", "\"\"") + "\"");
    database.execute("DROP ROLE \"" + odd.replace("\"", "\"\"") + "\"");
  }

  /**
   * With default privileges, what is new has rights written down, those of everybody among them.
   */
  @Test
  void whatIsNewIsNobodysAlsoWhereTheOwnerHasDefaultPrivileges() {
    try (TestDatabase other = TestDatabase.fresh();
        Logins roles = Logins.ofEveryKind(other)) {
      other.execute(
          "ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO " + roles.role("nobody"));
      other.execute("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC");
      other.execute(
          "CREATE FUNCTION ${schema}.newly() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user::text';"
              + " CREATE TABLE ${schema}.new_table (secret text); SELECT ${schema}._pin_and_grant()");
      for (String who : List.of("inspector", "nobody")) {
        assertThatThrownBy(() -> roles.run(who, "SELECT ${schema}.newly()"))
            .as(who)
            .hasMessageContaining("permission denied");
        assertThatThrownBy(() -> roles.run(who, "SELECT secret FROM ${schema}.new_table"))
            .as(who)
            .hasMessageContaining("permission denied");
      }
      other.execute(
          "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM " + roles.role("nobody"));
    }
  }
}
