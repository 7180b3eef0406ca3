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
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A schema of a test class's own on a real PostgreSQL; {@link #close} drops it. Where the server
 * comes from is told by {@link TestServer}; it is the same for a whole test run.
 */
public final class TestDatabase implements AutoCloseable {

  private final String url;
  private final String schema;
  private final List<HikariDataSource> pools = new CopyOnWriteArrayList<>();
  private HikariDataSource shared;

  private TestDatabase(String url) {
    this(url, "t_" + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong()));
  }

  private TestDatabase(String url, String schema) {
    this.url = url;
    this.schema = schema;
  }

  /** A new schema, brought to this jar's version. */
  public static TestDatabase fresh() {
    return migrated(TestServer.url());
  }

  /** A new schema on a server that the test may stop. */
  public static TestDatabase freshOn(PrivateServer server) {
    return migrated(server.jdbcUrl());
  }

  /** The same schema, on the server that takes the place of its server. */
  public TestDatabase on(PrivateServer successor) {
    return new TestDatabase(successor.jdbcUrl(), schema);
  }

  /** A name for a schema that does not exist yet. */
  public static TestDatabase unmigrated() {
    return new TestDatabase(TestServer.url());
  }

  /** A name for a schema that does not exist yet, on a server that the test may stop. */
  public static TestDatabase unmigratedOn(PrivateServer server) {
    return new TestDatabase(server.jdbcUrl());
  }

  private static TestDatabase migrated(String url) {
    TestDatabase database = new TestDatabase(url);
    Migrations.migrate(database.plainDataSource(), database.schema);
    return database;
  }

  public String schema() {
    return schema;
  }

  /** The URL of a superuser's connection, credentials included. */
  public String jdbcUrl() {
    return url;
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

  /** Runs SQL on a connection of its own; {@code ${schema}} stands for this database's schema. */
  public void execute(String sql) {
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      statement.execute(named(sql));
    } catch (SQLException e) {
      throw new IllegalStateException(named(sql) + ": " + e.getMessage(), e);
    }
  }

  /** The one number that a query gives; {@code ${schema}} stands for this database's schema. */
  public long queryLong(String sql) {
    try (Connection connection = connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(named(sql))) {
      if (!row.next()) {
        throw new IllegalStateException("No row: " + named(sql));
      }
      return row.getLong(1);
    } catch (SQLException e) {
      throw new IllegalStateException(named(sql) + ": " + e.getMessage(), e);
    }
  }

  /** The one text that a query gives; {@code ${schema}} stands for this database's schema. */
  public String queryString(String sql) {
    try (Connection connection = connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(named(sql))) {
      if (!row.next()) {
        throw new IllegalStateException("No row: " + named(sql));
      }
      return row.getString(1);
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

  /** Closes the pools, where the server is gone for good. */
  public void abandon() {
    pools.forEach(HikariDataSource::close);
  }

  /** Closes the pools and drops the schema. */
  @Override
  public void close() {
    abandon();
    execute("DROP SCHEMA IF EXISTS ${schema} CASCADE");
  }

  private String named(String sql) {
    return sql.replace("${schema}", schema);
  }
}
