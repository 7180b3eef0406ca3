package dev.pgkeeper.bench.server;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.testing.PrivateServer;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A server for one client that is watched, and for others that are not: for a while, the client's
 * connections and statements are counted.
 */
public final class WatchedServer implements AutoCloseable {
  private static final Map<String, String> SETTINGS =
      Map.of("autovacuum", "off", "shared_buffers", "128MB");

  /** Whoever comes first does it, for all clients of a database. */
  public static final Pattern REAPER = Pattern.compile("\\breap(_\\w+)?\\(");

  private static final int POOL_SIZE = 10;

  private final PrivateServer server;
  private final StatementLog log;
  private final HikariDataSource clientPool;
  private final HikariDataSource othersPool;

  private int connections;
  private long began;
  private double statementsPerSecond;
  private String mostFrequent = "";

  public WatchedServer() throws SQLException {
    Map<String, String> settings = new LinkedHashMap<>(SETTINGS);
    settings.putAll(StatementLog.SETTINGS);
    server = PrivateServer.start(settings);
    Postgres.execute(
        server.jdbcUrl(),
        "CREATE DATABASE watched",
        // The log and the list of connections tell roles apart.
        "CREATE ROLE client LOGIN SUPERUSER",
        "CREATE ROLE other LOGIN SUPERUSER");
    log = new StatementLog(server, "client", "watched");
    clientPool = pool("client");
    othersPool = pool("other");
  }

  private HikariDataSource pool(String role) {
    HikariDataSource fresh =
        Postgres.pool(
            server.jdbcUrl().replace("/postgres?", "/watched?").replace("=postgres", "=" + role),
            POOL_SIZE);
    fresh.setMinimumIdle(1);
    return fresh;
  }

  /** The pool of the client that is watched; it keeps one connection. */
  public HikariDataSource clientPool() {
    return clientPool;
  }

  /** A pool of somebody who is not watched. */
  public HikariDataSource othersPool() {
    return othersPool;
  }

  /** Has the pools close the connections that they needed for a while only. */
  public void evict() {
    clientPool.getHikariPoolMXBean().softEvictConnections();
    othersPool.getHikariPoolMXBean().softEvictConnections();
  }

  /** From now on it counts. */
  public void begin() {
    began = System.nanoTime();
    log.begin();
  }

  /** Looks how many connections there are at this moment. */
  public void look() throws SQLException {
    connections =
        Math.max(
            connections,
            Integer.parseInt(
                Postgres.query(
                    server.jdbcUrl(),
                    "SELECT count(*) FROM pg_stat_activity"
                        + " WHERE usename = 'client' AND backend_type = 'client backend'")));
  }

  /** Until now it counted. */
  public void end() {
    Map<String, Integer> statements = log.end();
    double seconds = (System.nanoTime() - began) / 1e9;
    statementsPerSecond =
        statements.entrySet().stream()
                .filter(entry -> !REAPER.matcher(entry.getKey()).find())
                .mapToInt(Map.Entry::getValue)
                .sum()
            / seconds;
    mostFrequent =
        statements.entrySet().stream()
            .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
            .limit(4)
            .map(entry -> entry.getValue() + " × " + entry.getKey())
            .reduce((one, more) -> one + "; " + more)
            .orElse("no statements");
  }

  /** The most that were seen at one moment. */
  public int connections() {
    return connections;
  }

  /** Without those that end dead sessions. */
  public double statementsPerSecond() {
    return statementsPerSecond;
  }

  /** What was asked most, for whoever wants to lower it. */
  public String mostFrequent() {
    return mostFrequent;
  }

  @Override
  public void close() {
    clientPool.close();
    othersPool.close();
    server.close();
  }
}
