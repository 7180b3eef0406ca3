package dev.pgkeeper.bench.server;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.testing.PrivateServer;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * The PostgreSQL of a run: started here with the durability of production, or given by its URL.
 * Cases that must not disturb each other have databases of their own in it, since a notification
 * wakes every listener of its database.
 */
public final class Postgres implements AutoCloseable {
  /**
   * A buffer cache that holds the largest case, as a quarter of the memory of a server would, and
   * room between checkpoints, so that none is forced in the middle of a round. Durability is left
   * at its safe defaults.
   */
  private static final Map<String, String> SETTINGS =
      Map.of("max_connections", "500", "shared_buffers", "1GB", "max_wal_size", "8GB");

  private static final String PREFIX = "pgkeeper_bench_";

  private static final String MIGRATED = "migrated";

  private static final Pattern DATABASE = Pattern.compile("(jdbc:postgresql://[^/]*/)[^?]*(.*)");

  private final @Nullable PrivateServer server;
  private final String url;
  private final List<String> databases = new ArrayList<>();
  private boolean isTemplateMigrated;

  private Postgres(@Nullable PrivateServer server, String url) {
    this.server = server;
    this.url = url;
  }

  /** The one of this run. */
  public static Postgres of(Lab lab, Report report) throws Exception {
    return lab.shared(
        Postgres.class,
        () -> {
          String given = lab.url();
          Postgres postgres;
          if (given == null) {
            PrivateServer server = PrivateServer.start(SETTINGS);
            postgres = new Postgres(server, server.jdbcUrl());
            lab.countCpuOf(ProcessHandle.of(server.pid()).orElseThrow());
          } else {
            postgres = new Postgres(null, given);
          }
          report.setting(postgres.describe());
          return postgres;
        });
  }

  /** A new, empty database, dropped at the end. Returns its URL. */
  public synchronized String createDatabase(String name) throws SQLException {
    return create(name, "template0");
  }

  /** The same with the library's tables: a copy, since migrating takes a second. */
  public synchronized String createMigrated(String name) throws SQLException {
    if (!isTemplateMigrated) {
      migrate(create(MIGRATED, "template0"));
      isTemplateMigrated = true;
    }
    return create(name, PREFIX + MIGRATED);
  }

  private String create(String name, String template) throws SQLException {
    String full = PREFIX + name;
    execute(
        url,
        "DROP DATABASE IF EXISTS " + full + " WITH (FORCE)",
        "CREATE DATABASE " + full + " ENCODING 'UTF8' TEMPLATE " + template);
    databases.add(full);
    return DATABASE.matcher(url).replaceFirst("$1" + full + "$2");
  }

  /** Makes the library's tables. */
  public static void migrate(String url) {
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl(url);
    Keeper.migrate(source);
  }

  /** A pool of always this many connections. */
  public static HikariDataSource pool(String url, int size) {
    return new HikariDataSource(poolConfig(url, size));
  }

  /** The settings of such a pool, to add to. */
  public static HikariConfig poolConfig(String url, int size) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(url);
    config.setMaximumPoolSize(size);
    config.setMinimumIdle(size);
    return config;
  }

  public static void execute(String url, String... statements) throws SQLException {
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  /** Does what the server would otherwise do in the background while something is measured. */
  public static void settle(String url) throws SQLException {
    execute(url, "VACUUM (ANALYZE, FREEZE)", "CHECKPOINT");
  }

  public static String query(String url, String sql) throws SQLException {
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getString(1);
    }
  }

  private String describe() throws SQLException {
    StringBuilder text = new StringBuilder("PostgreSQL " + query(url, "SHOW server_version"));
    for (String name :
        List.of(
            "fsync",
            "synchronous_commit",
            "full_page_writes",
            "wal_sync_method",
            "shared_buffers",
            "max_wal_size",
            "max_connections")) {
      text.append(", ").append(name).append('=').append(query(url, "SHOW " + name));
    }
    return text.append(", jit=").append(jit()).toString();
  }

  /** The setting alone says what is wished for, also where there is no compiler. */
  private String jit() throws SQLException {
    return query(
        url, "SELECT CASE WHEN pg_jit_available() THEN current_setting('jit') ELSE 'none' END");
  }

  /** Whether it compiles plans that cost much. */
  public boolean compiles() throws SQLException {
    return jit().equals("on");
  }

  @Override
  public void close() throws SQLException {
    if (server != null) {
      server.close();
    } else {
      for (String database : databases) {
        execute(url, "DROP DATABASE IF EXISTS " + database + " WITH (FORCE)");
      }
    }
  }
}
