package dev.pgkeeper.bench.tree;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.bench.server.StatementLog;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.WatchMode;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Clients with nothing to do and a server that serves nobody else. Each of them has an ephemeral
 * node and watches ten others, as a client does that has registered itself and waits for something.
 */
final class IdleClients implements AutoCloseable {
  private static final int WATCHES_EACH = 10;

  /** Without vacuuming, whose transactions would count among those that write. */
  private static final Map<String, String> SETTINGS =
      Map.of("autovacuum", "off", "shared_buffers", "32MB");

  private final String name;
  private final boolean leaseOnly;
  private final PrivateServer server;
  private final StatementLog log;
  private final String url;
  private final HikariDataSource pool;
  private final Connection observer;
  private final List<Keeper> keepers = new ArrayList<>();

  private long began;
  private double seconds;
  private int connections;
  private long firstTransaction;
  private long lastTransaction;
  private Map<String, Integer> statements = Map.of();

  private IdleClients(String name, boolean leaseOnly) throws SQLException {
    this.name = name;
    this.leaseOnly = leaseOnly;
    Map<String, String> settings = new LinkedHashMap<>(SETTINGS);
    settings.putAll(StatementLog.SETTINGS);
    server = PrivateServer.start(settings);
    observer = DriverManager.getConnection(server.jdbcUrl());
    log = new StatementLog(server, "postgres", "clients");
    execute("CREATE DATABASE clients");
    url = server.jdbcUrl().replace("/postgres?", "/clients?");
    pool = Postgres.pool(url, 10);
    pool.setMinimumIdle(1);
  }

  /** Starts a server and as many clients. */
  static IdleClients start(String name, int size, boolean leaseOnly) throws SQLException {
    IdleClients clients = new IdleClients(name, leaseOnly);
    try {
      clients.connect(size);
      return clients;
    } catch (RuntimeException | SQLException e) {
      clients.close();
      throw e;
    }
  }

  private void connect(int size) throws SQLException {
    Postgres.migrate(url);
    KeeperOptions options = KeeperOptions.defaults();
    for (int i = 0; i < size; i++) {
      Keeper keeper = Keeper.connect(pool, leaseOnly ? options.withLeaseOnly() : options);
      keepers.add(keeper);
      keeper.tree().create("/client-" + i, new byte[0], CreateMode.EPHEMERAL);
      for (int watch = 0; watch < WATCHES_EACH; watch++) {
        keeper.tree().watch("/awaited-" + i + "/" + watch, WatchMode.PERSISTENT, event -> {});
      }
    }
    // What opening the pool has left behind is not what idling needs.
    pool.getHikariPoolMXBean().softEvictConnections();
  }

  /** From now on it counts. */
  void begin() throws SQLException {
    began = System.nanoTime();
    firstTransaction = nextTransaction();
    log.begin();
  }

  /** Looks how many connections there are at this moment. */
  void look() throws SQLException {
    connections =
        Math.max(
            connections,
            (int)
                query(
                    "SELECT count(*) FROM pg_stat_activity"
                        + " WHERE datname = 'clients' AND backend_type = 'client backend'"));
  }

  /** Until now it counted. */
  void end() throws SQLException {
    statements = log.end();
    lastTransaction = nextTransaction();
    seconds = (System.nanoTime() - began) / 1e9;
  }

  String name() {
    return name;
  }

  int size() {
    return keepers.size();
  }

  boolean isLeaseOnly() {
    return leaseOnly;
  }

  double seconds() {
    return seconds;
  }

  /** The most that were seen at one moment. */
  int connections() {
    return connections;
  }

  /** How many statements had this in them. */
  int statements(Pattern pattern) {
    return statements.entrySet().stream()
        .filter(entry -> pattern.matcher(entry.getKey()).find())
        .mapToInt(Map.Entry::getValue)
        .sum();
  }

  /** How many transactions wrote: only those are given a number. */
  long writes() {
    return lastTransaction - firstTransaction;
  }

  /** What was asked most, for whoever wants to lower it. */
  String mostFrequent() {
    return statements.entrySet().stream()
        .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
        .limit(4)
        .map(entry -> entry.getValue() + " × " + entry.getKey())
        .reduce((one, other) -> one + "; " + other)
        .orElse("no statements");
  }

  private long nextTransaction() throws SQLException {
    return query("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint");
  }

  private long query(String sql) throws SQLException {
    try (Statement statement = observer.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getLong(1);
    }
  }

  private void execute(String sql) throws SQLException {
    try (Statement statement = observer.createStatement()) {
      statement.execute(sql);
    }
  }

  @Override
  public void close() throws SQLException {
    keepers.parallelStream().forEach(Keeper::close);
    pool.close();
    observer.close();
    server.close();
  }
}
