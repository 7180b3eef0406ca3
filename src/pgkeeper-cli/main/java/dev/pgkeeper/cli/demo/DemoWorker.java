package dev.pgkeeper.cli.demo;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.cli.command.Logs;
import dev.pgkeeper.election.Leadership;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * The main class of the processes that contend for a job: does what is to be done once, stands for
 * election, and writes a row twice a second while it leads. It never asks whether it still does:
 * the fence in each transaction does that.
 */
final class DemoWorker {
  static final String JOB = "/demo/job";
  static final String DAILY = "daily report";
  static final String TICK = "2026-11-21";

  /** Short, so that a pause of some seconds is one that costs the leadership. */
  static final Duration TIMEOUT = Duration.ofSeconds(3);

  private static final Duration BETWEEN = Duration.ofMillis(500);

  private final HikariDataSource pool;
  private final String name;

  private DemoWorker(HikariDataSource pool, String name) {
    this.pool = pool;
    this.name = name;
  }

  public static void main(String[] arguments) throws Exception {
    Logs.quiet("off");
    String name = arguments[2];
    KeeperOptions options =
        KeeperOptions.defaults().withClientName("demo " + name).withTimeout(TIMEOUT);
    try (HikariDataSource pool =
            Stage.pool(arguments[0], arguments[1], System.getenv("PGPASSWORD"));
        Keeper keeper = Keeper.connect(pool, options)) {
      DemoWorker worker = new DemoWorker(pool, name);
      say("once " + keeper.jobs().once(DAILY, TICK, worker::report));
      try (var candidacy = keeper.election(JOB).withIdentity(name).run(worker::lead)) {
        say("stands " + keeper.session().id());
        if (System.in.read() < 0) {
          Runtime.getRuntime().halt(1);
        }
      }
    }
  }

  private void report(Connection connection) throws SQLException {
    write(connection, "INSERT INTO reports VALUES (?, ?)", 0);
  }

  private void lead(Leadership leadership) throws SQLException {
    say("leads " + Moment.now() + " " + leadership.token());
    try (Connection connection = pool.getConnection()) {
      connection.setAutoCommit(false);
      while (true) {
        write(connection, "INSERT INTO runs (worker, token) VALUES (?, ?)", leadership.token());
        leadership.fence(connection);
        connection.commit();
        say("ran " + Moment.now());
        LockSupport.parkNanos(BETWEEN.toNanos());
      }
    } catch (KeeperException.NotHeld e) {
      say("refused " + e.getMessage());
    }
  }

  private void write(Connection connection, String sql, long token) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setString(1, name);
      statement.setLong(2, token);
      statement.executeUpdate();
    }
  }

  private static synchronized void say(String line) {
    System.out.println(line);
  }
}
