package dev.pgkeeper.security;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.environment.EveryRecipe;
import dev.pgkeeper.migration.Migrations;
import dev.pgkeeper.sql.EveryCall;
import dev.pgkeeper.testing.Logins;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whoever calls chooses the search_path, and may have put operators, functions and domains there.
 * No function or view of the schema looks there, in whosever name it runs.
 */
class HostilePathTest {
  private static PrivateServer server;
  private static TestDatabase database;
  private static Logins logins;

  @BeforeAll
  static void makeHostileNames() {
    server = PrivateServer.start(Map.of("log_min_messages", "warning"));
    database = TestDatabase.freshOn(server);
    logins = Logins.ofEveryKind(database);
    HostileNames.make(database);
  }

  @AfterAll
  static void stop() {
    database.close();
    server.close();
  }

  private long logged;

  @BeforeEach
  void forgetWhatRanBefore() throws IOException {
    logged = Files.size(server.logFile());
  }

  /** What hostile names were used since, and as which role. */
  private List<String> ran() throws IOException {
    byte[] log = Files.readAllBytes(server.logFile());
    return new String(log, (int) logged, log.length - (int) logged, StandardCharsets.UTF_8)
        .lines()
        .filter(line -> line.contains(HostileNames.RAN_AS))
        .map(line -> line.substring(line.indexOf("WARNING")))
        .distinct()
        .toList();
  }

  private static Connection hostile(String login) throws SQLException {
    Connection connection = logins.connect(login);
    try (Statement statement = connection.createStatement()) {
      statement.execute(HostileNames.TEMPORARY);
      statement.execute("SET search_path = " + HostileNames.PATH);
    }
    return connection;
  }

  /**
   * First each function without arguments that mean anything, in a transaction that is taken back:
   * so the connection has looked up what it keeps. Then what an operator or an application does.
   */
  @ParameterizedTest
  @ValueSource(strings = {"nobody", "inspector", "application", "operator", "both"})
  void whateverARoleCallsRunsNothingOfItsPath(String login) throws Exception {
    List<EveryCall> calls = EveryCall.of(database);
    assertThat(calls).hasSizeGreaterThan(250);
    database.execute("SELECT ${schema}.create('/hostile', 'payload', in_parents => true)");
    try (Keeper keeper = Keeper.connect(database.dataSource(), database.keeperOptions());
        Held held = keeper.lock("/hostile/lock").tryAcquire().orElseThrow();
        Connection connection = hostile(login);
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      for (EveryCall call : calls) {
        tryAndTakeBack(connection, statement, call.sql());
      }
      connection.setAutoCommit(true);
      for (String call : usualCalls(keeper.session().id())) {
        try {
          statement.execute(call.replace("${schema}", database.schema()));
        } catch (SQLException refused) {
          // not for this role, or there is no such thing
        }
      }
    }
    assertThat(ran()).isEmpty();
  }

  private static void tryAndTakeBack(Connection connection, Statement statement, String call)
      throws SQLException {
    try {
      statement.execute(call);
    } catch (SQLException refused) {
      // not for this role, or not with these arguments
    } finally {
      connection.rollback();
    }
  }

  private static List<String> usualCalls(long session) {
    return List.of(
        "SELECT * FROM ${schema}.get('/hostile')",
        "SELECT * FROM ${schema}.held_at('/hostile/lock')",
        "SELECT ${schema}._text_of('abc')",
        "SELECT ${schema}._candidate_identity('abc')",
        "SELECT ${schema}.break_lock('/hostile/lock', 'a test')",
        "SELECT ${schema}.end_session(" + session + ", 'a test')",
        "SELECT ${schema}.move_leadership('/hostile', 'me', 'a test')",
        "SELECT ${schema}.configure_history('a test', in_enabled => true)",
        "SELECT ${schema}.prune('history', '1000 days', 'a test')",
        "SELECT ${schema}.prune('runs', '1000 days', 'a test')",
        "CALL ${schema}.reap()");
  }

  @Test
  void anApplicationDoesEverythingAndRunsNothingOfItsPath() throws Exception {
    KeeperOptions options = database.keeperOptions().withSweep(Duration.ofMillis(200));
    try (HikariDataSource pool = hostilePool();
        Keeper one = Keeper.connect(pool, options);
        Keeper other = Keeper.connect(pool, options)) {
      for (EveryRecipe recipe : EveryRecipe.values()) {
        recipe.use(new EveryRecipe.Stage(one, other, pool));
      }
    }
    assertThat(ran()).isEmpty();
  }

  private static HikariDataSource hostilePool() {
    HikariConfig config = new HikariConfig();
    config.setDataSource(logins.dataSource("application"));
    config.setMaximumPoolSize(8);
    config.setConnectionInitSql(
        HostileNames.TEMPORARY + "; SET search_path = " + HostileNames.PATH);
    return new HikariDataSource(config);
  }

  /** Its owner migrates it, lets roles in, and switches history off, on a path of others' names. */
  @Test
  void theOwnerMigratesAndLetsRolesInAndRunsNothingOfItsPath() throws Exception {
    logins.create("owner");
    database.execute("GRANT CREATE ON DATABASE postgres TO " + logins.role("owner"));
    HikariConfig config = new HikariConfig();
    config.setDataSource(logins.dataSource("owner"));
    config.setMaximumPoolSize(1);
    config.setConnectionInitSql(
        HostileNames.TEMPORARY + "; SET search_path = " + HostileNames.PATH);
    try (HikariDataSource pool = new HikariDataSource(config)) {
      assertThat(Migrations.migrate(pool, "of_the_owner").to()).isEqualTo(Migrations.latest());
      try (Connection connection = pool.getConnection();
          Statement statement = connection.createStatement()) {
        for (String call :
            List.of(
                "CALL of_the_owner.grant_application('%s')",
                "CALL of_the_owner.grant_operator('%s')",
                "CALL of_the_owner.revoke_role('%s')",
                "SELECT of_the_owner._history_switch(false)",
                "SELECT of_the_owner._pin_all()",
                "SELECT of_the_owner.grant_all()",
                "SELECT of_the_owner.ring('/', true)",
                "CALL of_the_owner.reap()")) {
          statement.execute(call.formatted(logins.role("nobody")));
        }
      }
    }
    assertThat(ran()).isEmpty();
  }

  /** Otherwise all of this would prove nothing. */
  @Test
  void theAttackersOwnStatementsDoRunIt() throws Exception {
    try (Connection connection = hostile("nobody");
        Statement statement = connection.createStatement()) {
      for (String sql :
          List.of(
              "SELECT 1 + 1", "SELECT upper('x')", "SELECT 'x'::text", "SELECT 'a'::name || 1")) {
        statement.execute(sql);
      }
    }
    assertThat(ran()).hasSizeGreaterThan(3).allMatch(line -> line.contains(logins.role("nobody")));
  }

  private static final Pattern TEXT = Pattern.compile("\"((?:[^\"\\\\]|\\\\.)*)\"");
  private static final Pattern SQL = Pattern.compile("\\b(SELECT|FROM|WHERE)\\b");
  private static final Pattern LOOKED_FOR =
      Pattern.compile(
          " (=|<>|<|>|<=|>=|\\+|-|/|\\|\\||IN|LIKE|BETWEEN) |(?<![.\\w])(count|max|min|sum|now|clock_timestamp)\\(");

  /**
   * Not those of the command line, the page and the doctor, which are on the path of their own
   * role.
   */
  @Test
  void whatTheLibrarySendsNamesTheSchemaOfEachOperator() throws IOException {
    Path library = Path.of("src/pgkeeper/main/java/dev/pgkeeper");
    List<String> found = new ArrayList<>();
    try (Stream<Path> files = Files.walk(library)) {
      for (Path file : files.filter(file -> file.toString().endsWith(".java")).toList()) {
        if (file.startsWith(library.resolve("migration"))) {
          continue; // sets its path itself
        }
        TEXT.matcher(Files.readString(file))
            .results()
            .map(text -> text.group(1))
            .filter(text -> SQL.matcher(text).find() && LOOKED_FOR.matcher(text).find())
            .forEach(text -> found.add(file.getFileName() + ": " + text));
      }
    }
    assertThat(found).isEmpty();
  }
}
