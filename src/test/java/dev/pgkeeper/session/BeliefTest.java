package dev.pgkeeper.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Insist;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * P3: no client believes in its session after the database ended it, whatever happens to the
 * network between them.
 */
class BeliefTest {
  private static final int CLIENTS = 8;

  /** Only a hang takes so long. */
  private static final Duration ENOUGH_LIMIT = Duration.ofMinutes(5);

  private static final Duration LENGTH =
      Duration.ofSeconds(Integer.getInteger("pgkeeper.belief.seconds", 20));
  private static final Duration TIMEOUT = Duration.ofSeconds(1);
  private static final Duration GRACE = Duration.ofMillis(300);

  private final long seed = Long.getLong("pgkeeper.seed", System.nanoTime());
  private final List<Client> clients = new CopyOnWriteArrayList<>();
  private final ConcurrentHashMap<Long, Long> lastBelievedMicros = new ConcurrentHashMap<>();
  private volatile boolean stopped;

  @Test
  void aClientsBeliefEndsBeforeItsSessionDoes() throws Exception {
    System.out.println("BeliefTest: -Dpgkeeper.seed=" + seed);
    try (TestDatabase database = TestDatabase.fresh()) {
      SessionLog log = SessionLog.of(database);
      log.putEpochBack();
      try (Connection clock = database.connect();
          Connection reaper = database.connect()) {
        long ahead = databaseClockAheadMicros(clock);
        List<CompletableFuture<Void>> running = new ArrayList<>();
        running.add(run(() -> observe(ahead)));
        running.add(run(() -> reap(reaper, database.schema())));
        for (int i = 0; i < CLIENTS; i++) {
          Client client = new Client(database, new Random(seed + i), i % 4 == 3);
          running.add(run(client::live));
        }
        Await.pause(LENGTH);
        Await.until("more sessions that ended than clients", () -> ended(log) > CLIENTS);
        Await.until("more breaks that were survived than clients", () -> survived() > CLIENTS);
        stopped = true;
        for (CompletableFuture<Void> one : running) {
          one.get(10, TimeUnit.MINUTES);
        }
      }
      for (var entry : lastBelievedMicros.entrySet()) {
        long endedAt = log.endedAtMicros(entry.getKey());
        if (endedAt != 0) {
          assertThat(entry.getValue())
              .as("session %s was last believed in, and ended at", entry.getKey())
              .isLessThan(endedAt);
        }
      }
      System.out.println(
          "BeliefTest: " + ended(log) + " sessions ended, " + survived() + " breaks survived");
    }
  }

  /** How many sessions ended that were believed in once. */
  private long ended(SessionLog log) {
    return lastBelievedMicros.keySet().stream().filter(id -> log.endedAtMicros(id) != 0).count();
  }

  private int survived() {
    return clients.stream().mapToInt(client -> client.survived.get()).sum();
  }

  /** How much later it is for the database, at least. */
  private static long databaseClockAheadMicros(Connection connection) throws SQLException {
    long least = Long.MIN_VALUE;
    for (int i = 0; i < 20; i++) {
      try (Statement statement = connection.createStatement();
          ResultSet row =
              statement.executeQuery(
                  "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")) {
        row.next();
        least = Math.max(least, row.getLong(1) - nowMicros());
      }
    }
    return least;
  }

  private static long nowMicros() {
    java.time.Instant now = java.time.Instant.now();
    return now.getEpochSecond() * 1_000_000 + now.getNano() / 1000;
  }

  private CompletableFuture<Void> run(Task task) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                task.run();
                done.complete(null);
              } catch (Throwable e) {
                done.completeExceptionally(e);
              }
            });
    thread.setDaemon(true);
    thread.start();
    return done;
  }

  private interface Task {
    void run() throws Exception;
  }

  /** Asks every client all the time. */
  private void observe(long ahead) {
    while (!stopped) {
      for (Client client : clients) {
        Keeper keeper = client.keeper;
        if (keeper != null) {
          long asked = nowMicros() + ahead;
          if (keeper.isHeld()) {
            lastBelievedMicros.put(keeper.sessionId(), asked);
          }
        }
      }
      Await.pause(Duration.ofMillis(1));
    }
  }

  /** A reaper that never rests. */
  private void reap(Connection connection, String schema) throws SQLException {
    while (!stopped) {
      try (CallableStatement call =
          connection.prepareCall("CALL " + schema + ".reap(100, NULL, NULL, NULL)")) {
        call.execute();
      }
      Await.pause(Duration.ofMillis(5));
    }
  }

  private final class Client {
    private final TestDatabase database;
    private final Random random;
    private final boolean leaseOnly;
    private final TcpProxy proxy;
    private volatile Keeper keeper;
    private final AtomicInteger survived = new AtomicInteger();

    Client(TestDatabase database, Random random, boolean leaseOnly) {
      this.database = database;
      this.random = random;
      this.leaseOnly = leaseOnly;
      this.proxy = TcpProxy.before(database.jdbcUrl());
      clients.add(this);
    }

    void live() {
      PGSimpleDataSource dataSource = new PGSimpleDataSource();
      dataSource.setUrl(proxy.through(database.jdbcUrl()));
      dataSource.setSocketTimeout(1);
      KeeperOptions options =
          KeeperOptions.defaults()
              .withSchema(database.schema())
              .withTimeout(TIMEOUT)
              .withGrace(GRACE)
              .withOperationTimeout(Duration.ofSeconds(5));
      try {
        while (!stopped) {
          if (keeper == null || keeper.state() == SessionState.LOST) {
            closeKeeper();
            keeper =
                Insist.on(
                    () ->
                        Keeper.connect(dataSource, leaseOnly ? options.withLeaseOnly() : options));
          }
          pause(300);
          disturb();
          proxy.mend();
          Keeper disturbed = keeper;
          Await.until(
              "held or lost after a break",
              () -> disturbed.isHeld() || disturbed.state() == SessionState.LOST);
          if (disturbed.state() != SessionState.LOST) {
            survived.incrementAndGet();
          }
        }
      } finally {
        closeKeeper();
        proxy.close();
      }
    }

    private void closeKeeper() {
      if (keeper != null) {
        try {
          keeper.close();
        } catch (KeeperException e) {
          // its session is over, or soon will be
        }
      }
    }

    private void pause(int most) {
      Await.pause(Duration.ofMillis(random.nextInt(most)));
    }

    /** One way for a network to fail, for about as long as decides over the session. */
    private void disturb() {
      switch (random.nextInt(6)) {
        case 0 -> {
          proxy.cut();
          pause(900);
        }
        case 1 -> {
          proxy.stallToServer();
          pause(2000);
          proxy.breakAll();
        }
        case 2 -> {
          proxy.stallToClient();
          pause(2000);
        }
        case 3 -> {
          proxy.stallToClient();
          pause(300);
          proxy.cut();
          pause(600);
        }
        case 4 -> {
          for (int i = 0; i < 6; i++) {
            proxy.breakAll();
            pause(150);
          }
        }
        default -> {
          proxy.breakAll();
          pause(100);
          proxy.cut();
          pause(700);
        }
      }
    }
  }
}
