package dev.pgkeeper.bench.locks;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.bench.server.StatementLog;
import dev.pgkeeper.recipes.Mutex;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import java.lang.management.ManagementFactory;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A client that holds very many locks or waits for them, and a server that serves nobody else
 * besides the one who holds what is waited for.
 */
final class WaitingProcess implements AutoCloseable {
  private static final Map<String, String> SETTINGS =
      Map.of("autovacuum", "off", "shared_buffers", "128MB");

  /** Whoever comes first does it, for all clients of a database. */
  private static final Pattern REAPER = Pattern.compile("\\breap(_\\w+)?\\(");

  /** So many are asked for at a time. */
  private static final int WAVE = 500;

  /** A keeper's threads end when they have had nothing to do for five seconds. */
  private static final Duration UNTIL_SETTLED = Duration.ofSeconds(7);

  private static final int POOL_SIZE = 10;
  private static final Duration LIMIT = Duration.ofMinutes(2);

  private final String name;
  private final PrivateServer server;
  private final StatementLog log;
  private final HikariDataSource pool;
  private final HikariDataSource othersPool;
  private final PgkeeperLocks client;
  private @Nullable PgkeeperLocks other;
  private final List<CompletableFuture<Held>> waiting = new ArrayList<>();

  private int threads;
  private int connections;
  private long began;
  private double statementsPerSecond;
  private String mostFrequent = "";

  /** Starts a server and a client that does nothing yet. */
  WaitingProcess(String name) throws SQLException {
    this.name = name;
    Map<String, String> settings = new LinkedHashMap<>(SETTINGS);
    settings.putAll(StatementLog.SETTINGS);
    server = PrivateServer.start(settings);
    Postgres.execute(
        server.jdbcUrl(),
        "CREATE DATABASE locks",
        // The log and the list of connections tell roles apart.
        "CREATE ROLE client LOGIN SUPERUSER",
        "CREATE ROLE other LOGIN SUPERUSER");
    log = new StatementLog(server, "client", "locks");
    pool = pool("client");
    othersPool = pool("other");
    Keeper.migrate(othersPool);
    client = PgkeeperLocks.connect(pool);
  }

  private HikariDataSource pool(String role) {
    HikariDataSource fresh =
        Postgres.pool(
            server.jdbcUrl().replace("/postgres?", "/locks?").replace("=postgres", "=" + role),
            POOL_SIZE);
    fresh.setMinimumIdle(1);
    return fresh;
  }

  /** The client holds as many locks. */
  void hold(int count) throws Exception {
    int before = settledThreads();
    acquire(client, count);
    threads = settledThreads() - before;
  }

  /** The client waits for as many locks, which somebody else holds. */
  void await(int count) throws Exception {
    PgkeeperLocks holder = PgkeeperLocks.connect(othersPool);
    other = holder;
    acquire(holder, count);
    int before = settledThreads();
    for (int i = 0; i < count; i++) {
      waiting.add(client.acquireAsync("held-" + i));
    }
    for (int i = 0; i < count; i++) {
      Mutex mutex = holder.mutex("held-" + i);
      Await.until(LIMIT, mutex + " is waited for", () -> mutex.waiters().size() == 1);
    }
    threads = settledThreads() - before;
  }

  private static void acquire(PgkeeperLocks owner, int count) throws Exception {
    for (int from = 0; from < count; from += WAVE) {
      List<CompletableFuture<Held>> wave = new ArrayList<>();
      for (int i = from; i < Math.min(count, from + WAVE); i++) {
        wave.add(owner.acquireAsync("held-" + i));
      }
      for (CompletableFuture<Held> each : wave) {
        each.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
      }
    }
  }

  /** What acquiring has left behind is not what holding and waiting needs. */
  private int settledThreads() throws InterruptedException {
    pool.getHikariPoolMXBean().softEvictConnections();
    othersPool.getHikariPoolMXBean().softEvictConnections();
    Thread.sleep(UNTIL_SETTLED.toMillis());
    return ManagementFactory.getThreadMXBean().getThreadCount();
  }

  /** From now on it counts. */
  void begin() {
    began = System.nanoTime();
    log.begin();
  }

  /** Looks how many connections there are at this moment. */
  void look() throws SQLException {
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
  void end() {
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

  /** Those who waited have waited until now, and get what they waited for. */
  void check() throws Exception {
    if (waiting.stream().anyMatch(CompletableFuture::isDone)) {
      throw new IllegalStateException("Somebody did not wait");
    }
    closeOther();
    for (CompletableFuture<Held> each : waiting) {
      each.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
    }
  }

  String name() {
    return name;
  }

  /** How many more threads this process has than before. */
  int threads() {
    return threads;
  }

  int connections() {
    return connections;
  }

  /** Without those that end dead sessions. */
  double statementsPerSecond() {
    return statementsPerSecond;
  }

  String mostFrequent() {
    return mostFrequent;
  }

  private void closeOther() {
    PgkeeperLocks holder = other;
    if (holder != null) {
      holder.close();
    }
  }

  @Override
  public void close() {
    client.close();
    closeOther();
    pool.close();
    othersPool.close();
    server.close();
  }
}
