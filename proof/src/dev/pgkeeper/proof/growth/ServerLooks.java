package dev.pgkeeper.proof.growth;

import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Looks again and again at what a server has in use, and writes it down as clients write their
 * histories. Dead rows are counted by {@code pgstattuple}, because what the server itself knows of
 * them is gone after a crash.
 */
public final class ServerLooks implements AutoCloseable {
  /** Of it all. */
  public static final String SERVER = "server";

  private static final Duration AGAIN = Duration.ofMillis(200);

  private final PrivateServer server;
  private final TestDatabase database;
  private final Path file;
  private final Duration period;
  private final List<String> tables;
  private final Thread thread = new Thread(this::go, "looks");
  private long logBefore;
  private volatile boolean isOver;

  private ServerLooks(PrivateServer server, TestDatabase database, Path file, Duration period) {
    this.server = server;
    this.database = database;
    this.file = file;
    this.period = period;
    this.tables =
        List.of(
            database
                .queryString(
                    "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class"
                        + " WHERE relnamespace = '${schema}'::regnamespace AND relkind = 'r'")
                .split(" "));
  }

  /** Begins with the tables that are there by now, which are the library's. */
  public static ServerLooks begin(
      PrivateServer server, TestDatabase database, Path file, Duration period) {
    database.execute("CREATE EXTENSION IF NOT EXISTS pgstattuple");
    ServerLooks looks = new ServerLooks(server, database, file, period);
    looks.logBefore = looks.log();
    // It would be counted.
    database.reconnect();
    looks.thread.start();
    return looks;
  }

  private void go() {
    long next = System.nanoTime();
    while (!isOver) {
      next += period.toNanos();
      while (System.nanoTime() - next < 0 && !isOver) {
        LockSupport.parkNanos(Math.min(AGAIN.toNanos(), next - System.nanoTime()));
      }
      // While the server is away there is nothing to look at: soon, or the next time.
      while (!isOver && System.nanoTime() - next < period.toNanos() / 2 && !look()) {
        LockSupport.parkNanos(AGAIN.toNanos());
      }
    }
  }

  private boolean look() {
    // In the middle of the period that has just ended.
    long at = Client.nowMicros() - period.toNanos() / 2000;
    List<String> lines = new ArrayList<>();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      count(statement, at, lines);
      sizes(statement, at, lines);
      lines.add(Measure.MEMORY.line(at, SERVER, memory()));
    } catch (SQLException | IOException | IllegalStateException e) {
      return false;
    }
    try {
      StringBuilder text = new StringBuilder();
      lines.forEach(line -> text.append(line).append(" .\n"));
      Files.writeString(file, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new IllegalStateException("What was seen cannot be written down", e);
    }
    return true;
  }

  private void count(Statement statement, long at, List<String> lines) throws SQLException {
    try (ResultSet rows =
        statement.executeQuery(
            "SELECT application_name, count(*) FROM pg_stat_activity"
                + " WHERE backend_type = 'client backend' GROUP BY 1")) {
      long others = 0;
      while (rows.next()) {
        if (rows.getString(1).startsWith("c")) {
          lines.add(Measure.CONNECTIONS.line(at, rows.getString(1), rows.getLong(2)));
        } else {
          others += rows.getLong(2);
        }
      }
      lines.add(Measure.CONNECTIONS.line(at, SERVER, others));
    }
    try (ResultSet row =
        statement.executeQuery(
            "SELECT pg_notification_queue_usage(), pg_current_wal_insert_lsn() - '0/0'::pg_lsn")) {
      row.next();
      lines.add(Measure.NOTIFICATIONS.line(at, SERVER, row.getDouble(1)));
      long log = row.getLong(2);
      lines.add(Measure.WAL.line(at, SERVER, log - logBefore));
      logBefore = log;
    }
  }

  private long log() {
    return database.queryLong("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn");
  }

  private void sizes(Statement statement, long at, List<String> lines) throws SQLException {
    for (String table : tables) {
      try (ResultSet row =
          statement.executeQuery(
              "SELECT tuple_count, dead_tuple_count, pg_total_relation_size(t) FROM"
                  + " to_regclass('%s.%s') t, pgstattuple(t)"
                      .formatted(database.schema(), table))) {
        row.next();
        long kept = kept(table);
        if (Kept.in(table).isPresent()) {
          lines.add(Measure.KEPT_ROWS.line(at, table, kept));
        }
        // The two are counted one after the other.
        lines.add(Measure.ROWS.line(at, table, Math.max(0, row.getLong(1) - kept)));
        lines.add(Measure.DEAD_ROWS.line(at, table, row.getLong(2)));
        lines.add(Measure.SIZE.line(at, table, row.getLong(3)));
      }
    }
  }

  private long kept(String table) {
    return Kept.in(table).map(kept -> database.queryLong(kept.query())).orElse(0L);
  }

  /** What one of the server's processes has in memory that is not shared, in bytes: the mean. */
  private long memory() throws IOException {
    ProcessHandle postmaster =
        ProcessHandle.of(server.pid()).orElseThrow(IllegalStateException::new);
    long all = 0;
    int processes = 0;
    for (ProcessHandle process :
        Stream.concat(Stream.of(postmaster), postmaster.descendants()).toList()) {
      Path status = Path.of("/proc/" + process.pid() + "/status");
      if (Files.exists(status)) {
        all += kilobytes(status) * 1024;
        processes++;
      }
    }
    return all / Math.max(1, processes);
  }

  private static long kilobytes(Path status) {
    try {
      return Files.readAllLines(status).stream()
          .filter(line -> line.startsWith("RssAnon:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
          .sum();
    } catch (IOException e) {
      // It has just ended.
      return 0;
    }
  }

  @Override
  public void close() throws InterruptedException {
    isOver = true;
    thread.join();
  }
}
