package dev.pgkeeper.bench.recipes;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.bench.server.ZooKeeperServer;
import java.util.ArrayDeque;
import java.util.Deque;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.ExponentialBackoffRetry;
import org.jspecify.annotations.Nullable;

/** The sessions of a case, all closed at its end. */
final class Clients implements AutoCloseable {
  static final String PGKEEPER = "pgkeeper";
  static final String CURATOR = "curator";

  /** The same, where all threads share one client. */
  static final String PGKEEPER_SHARED = "pgkeeper, one client";

  static final String CURATOR_SHARED = "curator, one client";

  /** Connections for a client of many threads. */
  static final int POOL_SIZE = 16;

  /** Connections for a client of one thread. */
  static final int SMALL_POOL_SIZE = 1;

  private static final int SESSION_MILLIS = 30_000;
  private static final int CONNECTION_MILLIS = 15_000;

  private final Lab lab;
  private final Report report;
  private final String database;
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();
  private @Nullable String url;

  Clients(Lab lab, Report report, String caseName) {
    this.lab = lab;
    this.report = report;
    this.database = caseName.replaceAll("[^a-z]", "_");
  }

  /** A session with a pool of its own. */
  Keeper keeper(int poolSize) throws Exception {
    HikariDataSource pool = Postgres.pool(url(), poolSize);
    opened.push(pool);
    Keeper keeper = Keeper.connect(pool);
    opened.push(keeper);
    return keeper;
  }

  /** One database for all, as an application would have. */
  private String url() throws Exception {
    String known = url;
    if (known == null) {
      known = Postgres.of(lab, report).createMigrated(database);
      url = known;
    }
    return known;
  }

  /** A session with ZooKeeper. */
  CuratorFramework curator() throws Exception {
    CuratorFramework client =
        CuratorFrameworkFactory.newClient(
            ZooKeeperServer.of(lab, report).address(),
            SESSION_MILLIS,
            CONNECTION_MILLIS,
            new ExponentialBackoffRetry(1000, 3));
    opened.push(client);
    client.start();
    client.blockUntilConnected();
    return client;
  }

  @Override
  public void close() throws Exception {
    while (!opened.isEmpty()) {
      opened.pop().close();
    }
  }
}
