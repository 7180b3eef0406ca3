package dev.pgkeeper.testing;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.migration.Migrations;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.postgresql.ds.PGSimpleDataSource;
import org.postgresql.jdbc.PreferQueryMode;

/**
 * A schema of a test class's own on a real PostgreSQL, in a database of its own where the test may
 * not stop the server; {@link #close} drops it. {@link TestServer} tells where the server comes
 * from; it is the same for a whole test run.
 */
public final class TestDatabase implements AutoCloseable {

  /** The schema of this jar's version that databases are copied with. */
  static final String COPIED_SCHEMA = "t_copied";

  private static final Pattern DATABASE = Pattern.compile("(jdbc:postgresql://[^/]*/)[^?]*(.*)");

  private final String url;
  private final String schema;
  private final String name;
  private final Runnable drop;
  private final KeptConnections kept;
  private final List<HikariDataSource> pools = new CopyOnWriteArrayList<>();
  private HikariDataSource shared;

  private TestDatabase(String url, String schema, String name, Runnable drop) {
    this.url = url;
    this.schema = schema;
    this.name = name;
    this.drop = drop;
    this.kept = new KeptConnections(this::connect);
  }

  private TestDatabase(String url, String schema) {
    this.url = url;
    this.schema = schema;
    this.name = schema;
    this.drop = this::dropSchema;
    this.kept = new KeptConnections(this::connect);
  }

  /**
   * The server may still be in the midst of a statement of a client that was killed, which takes
   * the tables in another order: PostgreSQL ends one of the two then, and it may be this one.
   */
  private void dropSchema() {
    for (int deadlocks = 0; true; deadlocks++) {
      try {
        execute("DROP SCHEMA IF EXISTS ${schema} CASCADE");
        return;
      } catch (IllegalStateException e) {
        if (deadlocks == 10
            || !(e.getCause() instanceof SQLException cause)
            || !"40P01".equals(cause.getSQLState())) {
          throw e;
        }
      }
    }
  }

  /** A new database with a schema of this jar's version. */
  public static TestDatabase fresh() {
    String name = newName();
    return new TestDatabase(
        TestServer.createDatabase(name), COPIED_SCHEMA, name, () -> TestServer.dropDatabase(name));
  }

  /** A new schema of this jar's version on a server that the test may stop. */
  public static TestDatabase freshOn(PrivateServer server) {
    if (server.takeCopiedSchema()) {
      return copied(server.jdbcUrl());
    }
    TestDatabase database = unmigratedOn(server);
    Migrations.migrate(database.plainDataSource(), database.schema);
    return database;
  }

  /** What is copied of a schema becomes one that was made in this run of the server. */
  static TestDatabase copied(String url) {
    TestDatabase database = new TestDatabase(url, COPIED_SCHEMA);
    database.execute(
        "UPDATE ${schema}.epoch SET began = '-infinity', server_started = pg_postmaster_start_time()");
    return database;
  }

  /** Returns the same schema on the server that takes the place of this one's. */
  public TestDatabase on(PrivateServer successor) {
    return new TestDatabase(successor.jdbcUrl(), schema);
  }

  /** A name for a schema that does not exist yet. */
  public static TestDatabase unmigrated() {
    return new TestDatabase(TestServer.url(), newName());
  }

  /** A name for a schema that does not exist yet, on a server that the test may stop. */
  public static TestDatabase unmigratedOn(PrivateServer server) {
    return new TestDatabase(server.jdbcUrl(), newName());
  }

  private static String newName() {
    return "t_" + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
  }

  /** A name for a role that no other test has: roles are the whole server's. */
  public String roleName(String kind) {
    return name + "_" + kind;
  }

  public String schema() {
    return schema;
  }

  /** The URL of a superuser's connection, credentials included. */
  public String jdbcUrl() {
    return url;
  }

  /** The URL without credentials. */
  public String urlOfNobody() {
    return url.replaceAll("(user|password)=[^&]*&?", "").replaceFirst("[?&]$", "");
  }

  /** The URL of another database of its server. */
  public String urlOf(String database) {
    return urlOf(url, database);
  }

  static String urlOf(String url, String database) {
    Matcher matcher = DATABASE.matcher(url);
    if (!matcher.matches()) {
      throw new IllegalStateException(
          "The tests' server cannot be given as this URL; write jdbc:postgresql://host:port/database");
    }
    return matcher.group(1) + database + matcher.group(2);
  }

  /** The pool that the tests of this class share. */
  public synchronized HikariDataSource dataSource() {
    if (shared == null) {
      shared = newPool(8);
    }
    return shared;
  }

  /** A pool of its own, closed with this database at the latest. */
  public HikariDataSource newPool(int size) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(url);
    config.setMaximumPoolSize(size);
    config.setMinimumIdle(0);
    config.setConnectionTimeout(Await.LIMIT.toMillis());
    HikariDataSource pool = new HikariDataSource(config);
    pools.add(pool);
    return pool;
  }

  /** A source that opens a connection each time. */
  public PGSimpleDataSource plainDataSource() {
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl(url);
    return dataSource;
  }

  /** A keeper of this schema, on the shared pool, that hears of changes by rings or not at all. */
  public Keeper keeper() {
    return Keeper.connect(dataSource(), keeperOptions());
  }

  /** What {@link #keeper} connects with. */
  public KeeperOptions keeperOptions() {
    return KeeperOptions.defaults().withSchema(schema).withSweep(Duration.ofHours(1));
  }

  /** Runs SQL; {@code ${schema}} stands for this database's schema. */
  public void execute(String sql) {
    ask(sql, statement -> statement.execute(named(sql)));
  }

  /**
   * Runs many statements as psql does, which knows where each of them ends. The driver does not
   * where the body of a function is written without quotes; so it sends all of them as they are.
   */
  public void runScript(String script) {
    PGSimpleDataSource dataSource = plainDataSource();
    dataSource.setPreferQueryMode(PreferQueryMode.SIMPLE);
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(script);
    } catch (SQLException e) {
      throw new IllegalStateException("the script failed: " + e.getMessage(), e);
    }
  }

  /** The one number that a query gives; {@code ${schema}} stands for this database's schema. */
  public long queryLong(String sql) {
    return queryOne(sql, row -> row.getLong(1));
  }

  /** Where a session is rung. */
  public String channel(long session) {
    return queryString("SELECT ${schema}.session_channel(" + session + ")");
  }

  /** The one text that a query gives; {@code ${schema}} stands for this database's schema. */
  public String queryString(String sql) {
    return queryOne(sql, row -> row.getString(1));
  }

  /** What is done with a statement, or made of a row. */
  @FunctionalInterface
  private interface Reading<S, T> {
    T from(S source) throws SQLException;
  }

  private <T> T queryOne(String sql, Reading<ResultSet, T> reading) {
    return ask(
        sql,
        statement -> {
          try (ResultSet row = statement.executeQuery(named(sql))) {
            if (!row.next()) {
              throw new IllegalStateException("No row: " + named(sql));
            }
            return reading.from(row);
          }
        });
  }

  private <T> T ask(String sql, Reading<Statement, T> reading) {
    try {
      return kept.with(
          connection -> {
            try (Statement statement = connection.createStatement()) {
              return reading.from(statement);
            }
          });
    } catch (SQLException e) {
      throw new IllegalStateException(named(sql) + ": " + e.getMessage(), e);
    }
  }

  /** A connection of the test's own. */
  public Connection connect() throws SQLException {
    return DriverManager.getConnection(url);
  }

  /** Whether the server takes connections and answers. */
  public boolean takesConnections() {
    try (Connection connection = connect()) {
      return connection.isValid(5);
    } catch (SQLException e) {
      return false;
    }
  }

  /** Asks with new connections from now on: a server process looks once at which run it is of. */
  public void reconnect() {
    kept.close();
  }

  /** Closes the pools, where the server is gone for good. */
  public void abandon() {
    pools.forEach(HikariDataSource::close);
    kept.close();
  }

  /** Closes the pools and drops what is this test's own. */
  @Override
  public void close() {
    abandon();
    drop.run();
    kept.close();
  }

  private String named(String sql) {
    return sql.replace("${schema}", schema);
  }
}
