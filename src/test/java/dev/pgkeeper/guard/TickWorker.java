package dev.pgkeeper.guard;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.Await;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;

/**
 * A process that goes through a stream of ticks until all of them are done, whoever did them, and
 * leaves one effect for each. Arguments: the URL for work, the URL for the session's own
 * connection, schema, job, number of ticks, seed, and whether the effects are protected.
 */
final class TickWorker {
  static final Duration TIMEOUT = Duration.ofSeconds(1);
  static final Duration GRACE = Duration.ofMillis(300);
  private static final int LONGEST_WORK_MS = 30;
  private static final int FAILS_ONE_IN = 15;

  private final HikariDataSource pool;
  private final String ownUrl;
  private final String schema;
  private final String job;
  private final boolean isProtected;
  private final Random random;
  private int attempts;
  private final Deque<Integer> left = new ArrayDeque<>();

  /** Work that does not end well. */
  private static final class Mishap extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private TickWorker(String[] arguments) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(arguments[0]);
    config.setMaximumPoolSize(3);
    config.setConnectionTimeout(2000); // a busy machine may take a second to begin
    // Else the pool learns it from its first connection, and never connects again if that breaks
    // just then.
    config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
    // The network may break at the very first request; that is not to be the end of the process.
    config.setInitializationFailTimeout(-1);
    pool = new HikariDataSource(config);
    ownUrl = arguments[1];
    schema = arguments[2];
    job = arguments[3];
    random = new Random(Long.parseLong(arguments[5]));
    isProtected = Boolean.parseBoolean(arguments[6]);
  }

  public static void main(String[] arguments) {
    TickWorker worker = new TickWorker(arguments);
    Deque<Integer> ticks = new ArrayDeque<>();
    for (int i = 0; i < Integer.parseInt(arguments[4]); i++) {
      ticks.add(i);
    }
    System.out.println("ready");
    while (!ticks.isEmpty() || !worker.left.isEmpty()) {
      worker.oneSession(ticks);
    }
    System.out.println("finished");
  }

  /** As far as one session goes. */
  private void oneSession(Deque<Integer> ticks) {
    KeeperOptions options =
        KeeperOptions.defaults()
            .withSchema(schema)
            .withClientName("worker")
            .withTimeout(TIMEOUT)
            .withGrace(GRACE)
            .withOperationTimeout(Duration.ofSeconds(5))
            .withListener(() -> DriverManager.getConnection(ownUrl));
    try (Keeper keeper = Keeper.connect(pool, options)) {
      while (!ticks.isEmpty() || !left.isEmpty()) {
        attemptFirst(keeper.guard(), ticks);
        // Those that are left, and may be somebody's who is stopped, come up again and again.
        if (!left.isEmpty()) {
          attemptFirst(keeper.guard(), left);
        }
      }
    } catch (KeeperException e) {
      System.out.println("session: " + e.getMessage());
    }
  }

  private void attemptFirst(Guard guard, Deque<Integer> ticks) {
    if (!ticks.isEmpty()) {
      int tick = ticks.removeFirst();
      boolean done = false;
      try {
        done = attempt(guard, tick);
      } finally {
        if (!done) {
          left.addLast(tick);
        }
      }
    }
  }

  /** Whether the tick is done. Whatever else became of it, it will be asked for again. */
  private boolean attempt(Guard guard, int tick) {
    try {
      RunResult result = guard.once(job, "tick " + tick, connection -> work(connection, tick));
      if (result == RunResult.RUNNING_ELSEWHERE) {
        Await.pause(Duration.ofMillis(5));
      }
      return result == RunResult.RAN || result == RunResult.DONE_BEFORE;
    } catch (KeeperException.SessionExpired e) {
      throw e;
    } catch (KeeperException | SQLException | Mishap e) {
      return false;
    }
  }

  private void work(Connection connection, int tick) throws SQLException {
    if (isProtected) {
      effect(connection, tick);
    } else {
      try (Connection own = DriverManager.getConnection(ownUrl)) {
        effect(own, tick);
      }
    }
    Await.pause(Duration.ofMillis(random.nextInt(LONGEST_WORK_MS)));
    if (++attempts % FAILS_ONE_IN == 0) {
      throw new Mishap();
    }
  }

  private void effect(Connection connection, int tick) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(
          "INSERT INTO %s.effect VALUES ('%s', 'tick %d')".formatted(schema, job, tick));
    }
  }
}
