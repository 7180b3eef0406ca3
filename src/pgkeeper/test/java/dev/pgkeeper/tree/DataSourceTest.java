package dev.pgkeeper.tree;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.TestDatabase;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import org.postgresql.ds.PGSimpleDataSource;

/** Connections as applications hand them out. */
class DataSourceTest {

  private static final byte[] NONE = {};

  private static TestDatabase database;

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void close() {
    database.close();
  }

  @AfterEach
  void theTablesAreSound() {
    TreeInvariants.check(database);
  }

  private static KeeperOptions options() {
    return KeeperOptions.defaults().withSchema(database.schema());
  }

  /** Everything a client does: all operations, ephemerals, watches, its own connection. */
  private static void assertServes(DataSource dataSource, KeeperOptions options)
      throws InterruptedException {
    String root = "/r" + System.nanoTime();
    try (Keeper keeper = Keeper.connect(dataSource, options)) {
      Recorder recorder = new Recorder();
      keeper.tree().create(root, NONE);
      keeper.tree().watch(root, WatchMode.PERSISTENT_RECURSIVE, recorder);
      int rounds =
          dataSource instanceof HikariDataSource ? 6 : 2; // 5 until a statement is prepared
      for (int i = 0; i < rounds; i++) {
        keeper.tree().create(root + "/a", NONE, CreateMode.EPHEMERAL);
        keeper.tree().set(root + "/a", new byte[] {1});
        assertThat(keeper.tree().get(root + "/a").data()).containsExactly(1);
        assertThat(keeper.tree().children(root)).containsExactly("a");
        keeper.tree().multi(Op.create(root + "/b", NONE), Op.delete(root + "/b"));
        keeper.tree().delete(root + "/a");
      }
      assertThat(recorder.next()).isEqualTo("NODE_CREATED " + root + "/a");
      keeper.tree().sync();
      keeper.tree().create(root + "/e", NONE, CreateMode.EPHEMERAL);
      assertThat(keeper.session().isHeld()).isTrue();
    }
    assertThat(
            database.queryString(
                "SELECT string_agg(path, ' ') FROM ${schema}.nodes WHERE parent = '" + root + "'"))
        .isNull();
  }

  private static String connected(Keeper keeper) {
    return database.queryString(
        "SELECT coalesce(connected::text, 'lease only') FROM ${schema}.sessions WHERE session = "
            + keeper.session().id());
  }

  @Test
  void aHikariPoolServesAndKeepsAllItsConnections() throws Exception {
    HikariDataSource pool = database.newPool(2);
    assertServes(pool, options());
    try (Keeper keeper = Keeper.connect(pool, options())) {
      assertThat(connected(keeper)).isEqualTo("true");
      assertThat(pool.getHikariPoolMXBean().getActiveConnections()).isZero();
      assertThat(keeper.tree().exists("/")).isPresent();
      assertThat(pool.getHikariPoolMXBean().getActiveConnections()).isZero();
    }
  }

  @Test
  void aPoolOfOneConnectionIsEnough() throws Exception {
    assertServes(database.newPool(1), options());
  }

  @Test
  void aPoolAroundADataSourceServes() throws Exception {
    withPool(
        config -> {
          config.setJdbcUrl(null);
          config.setDataSource(database.plainDataSource());
        },
        pool -> {
          assertServes(pool, options());
          try (Keeper keeper = Keeper.connect(pool, options())) {
            assertThat(connected(keeper)).isEqualTo("true");
          }
        });
  }

  @Test
  void thePostgresDriversDataSourceServes() throws Exception {
    PGSimpleDataSource plain = database.plainDataSource();
    assertServes(plain, options());
    try (Keeper keeper = Keeper.connect(plain, options())) {
      assertThat(connected(keeper)).isEqualTo("true");
    }
  }

  @Test
  void anUnknownDataSourceThatDoesNotPoolServes() throws Exception {
    DataSource unknown = dataSource(database::connect);
    assertServes(unknown, options());
    try (Keeper keeper = Keeper.connect(unknown, options())) {
      assertThat(connected(keeper)).isEqualTo("true");
    }
  }

  @Test
  @ResourceLock(Resources.SYSTEM_ERR)
  void anUnknownPoolServesWithALeaseOnlyAndOneWarning() throws Exception {
    HikariDataSource hidden = database.newPool(2);
    DataSource unknown = dataSource(hidden::getConnection);
    PrintStream before = System.err;
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
    try (Keeper keeper = Keeper.connect(unknown, options())) {
      assertThat(connected(keeper)).isEqualTo("lease only");
      Recorder recorder = new Recorder();
      keeper.tree().exists("/polled", recorder);
      database.execute("SELECT ${schema}.create('/polled')");
      assertThat(recorder.next()).isEqualTo("NODE_CREATED /polled");
      assertThat(hidden.getHikariPoolMXBean().getActiveConnections()).isLessThanOrEqualTo(1);
    } finally {
      System.setErr(before);
    }
    assertThat(said.toString(StandardCharsets.UTF_8).lines().filter(line -> line.contains("WARN")))
        .singleElement()
        .asString()
        .contains("pools")
        .contains("KeeperOptions.withListener");
  }

  @Test
  void anUnknownPoolWithAListenerOfTheCallersIsConnected() throws Exception {
    HikariDataSource hidden = database.newPool(2);
    DataSource unknown = dataSource(hidden::getConnection);
    KeeperOptions options = options().withListener(database::connect);
    assertServes(unknown, options);
    try (Keeper keeper = Keeper.connect(unknown, options)) {
      assertThat(connected(keeper)).isEqualTo("true");
    }
  }

  @Test
  void withoutAConnectionOfItsOwnAClientPolls() throws Exception {
    assertServes(database.newPool(2), options().withLeaseOnly().withSweep(Duration.ofMillis(100)));
  }

  @Test
  void connectionsComeBackAsTheyWereHandedOut() throws Exception {
    // A pool resets what its user changed; here nobody does.
    try (Connection kept = database.connect()) {
      kept.setAutoCommit(false);
      kept.setReadOnly(true);
      kept.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
      Semaphore free = new Semaphore(1);
      DataSource one =
          dataSource(
              () -> {
                free.acquireUninterruptibly();
                return givenBack(kept, free);
              });
      assertServes(one, options().withListener(database::connect));
      free.acquire();
      assertThat(kept.getAutoCommit()).isFalse();
      assertThat(kept.isReadOnly()).isTrue();
      assertThat(kept.getTransactionIsolation()).isEqualTo(Connection.TRANSACTION_REPEATABLE_READ);
    }
  }

  @Test
  void autocommitMayBeOff() throws Exception {
    withPool(config -> config.setAutoCommit(false), pool -> assertServes(pool, options()));
  }

  @Test
  void connectionsMayBeReadOnlyByDefault() throws Exception {
    withPool(config -> config.setReadOnly(true), pool -> assertServes(pool, options()));
    withPool(
        config -> {
          config.setReadOnly(true);
          config.setAutoCommit(false);
        },
        pool -> assertServes(pool, options()));
  }

  @Test
  void connectionsMayBeSerializableByTheDatabasesDefault() throws Exception {
    PGSimpleDataSource strict = database.plainDataSource();
    strict.setOptions("-c default_transaction_isolation=serializable");
    assertServes(strict, options());
  }

  @Test
  void watchersOfASerializablePoolHearOfEverything() throws Exception {
    withPool(
        config -> config.setTransactionIsolation("TRANSACTION_SERIALIZABLE"),
        pool -> {
          try (Keeper keeper = Keeper.connect(pool, options().withSweep(Duration.ofHours(1)))) {
            for (int i = 0; i < 20; i++) {
              Recorder recorder = new Recorder();
              keeper.tree().exists("/serial" + i, recorder);
              keeper.tree().create("/serial" + i, NONE);
              assertThat(recorder.next()).isEqualTo("NODE_CREATED /serial" + i);
            }
          }
        });
  }

  @Test
  void nothingDependsOnTheSearchPath() throws Exception {
    PGSimpleDataSource elsewhere = database.plainDataSource();
    elsewhere.setCurrentSchema("information_schema");
    assertServes(elsewhere, options());
    try (Connection connection = database.connect();
        Keeper keeper = Keeper.connect(elsewhere, options())) {
      connection.createStatement().execute("SET search_path = ''");
      assertThat(keeper.tree(connection).create("/path", NONE)).isEqualTo("/path");
    }
  }

  @Test
  void serverSidePreparedStatementsMayBeOff() throws Exception {
    PGSimpleDataSource simple = database.plainDataSource();
    simple.setPreferQueryMode(org.postgresql.jdbc.PreferQueryMode.SIMPLE);
    assertServes(simple, options());
  }

  private interface Source {
    Connection get() throws SQLException;
  }

  /** A data source that tells nothing about itself. */
  private static DataSource dataSource(Source source) {
    return (DataSource)
        Proxy.newProxyInstance(
            DataSourceTest.class.getClassLoader(),
            new Class<?>[] {DataSource.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "getConnection" -> source.get();
                  case "isWrapperFor" -> false;
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  /** A connection whose close only says that it is free. */
  private static Connection givenBack(Connection connection, Semaphore free) {
    return (Connection)
        Proxy.newProxyInstance(
            DataSourceTest.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("close")) {
                free.release();
                return null;
              }
              try {
                return method.invoke(connection, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private static void withPool(Consumer<HikariConfig> settings, PoolUser user) throws Exception {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(database.jdbcUrl());
    config.setMaximumPoolSize(3);
    settings.accept(config);
    try (HikariDataSource pool = new HikariDataSource(config)) {
      user.use(pool);
    }
  }

  private interface PoolUser {
    void use(HikariDataSource pool) throws Exception;
  }
}
