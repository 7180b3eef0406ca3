package dev.pgkeeper.bench.scaling;

import dev.pgkeeper.bench.CpuClock;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.bench.server.StatementLog;
import dev.pgkeeper.testing.PrivateServer;
import java.sql.SQLException;
import java.time.Duration;

/**
 * What a server does in a minute for those who have nothing to do.
 *
 * @param statements how many they send
 * @param walBytes what is written to the log of changes
 * @param cpuSeconds processor time of all its processes
 */
record IdleMinute(double statements, double walBytes, double cpuSeconds) {
  /** What asking, reading a changed setting and the like leave behind is over by then. */
  private static final Duration UNTIL_SETTLED = Duration.ofSeconds(5);

  /**
   * Watches for so long, and then for a third of that counts statements: writing each to a log
   * would be half of what is measured.
   */
  static IdleMinute of(PrivateServer server, StatementLog log, Duration window)
      throws SQLException, InterruptedException {
    Thread.sleep(UNTIL_SETTLED.toMillis());
    ProcessHandle process = ProcessHandle.of(server.pid()).orElseThrow();
    double walBefore = walBytes(server);
    double cpuBefore = CpuClock.secondsBelow(process);
    long began = System.nanoTime();
    Thread.sleep(window.toMillis());
    double cpu = CpuClock.secondsBelow(process) - cpuBefore;
    double wal = walBytes(server) - walBefore;
    double minutes = (System.nanoTime() - began) / 6e10;
    return new IdleMinute(
        statements(server, log, window.dividedBy(3)), wal / minutes, cpu / minutes);
  }

  private static double statements(PrivateServer server, StatementLog log, Duration window)
      throws SQLException, InterruptedException {
    logStatements(server, "all");
    Thread.sleep(UNTIL_SETTLED.toMillis());
    log.begin();
    long began = System.nanoTime();
    Thread.sleep(window.toMillis());
    double statements = log.end().values().stream().mapToInt(Integer::intValue).sum();
    double minutes = (System.nanoTime() - began) / 6e10;
    logStatements(server, "none");
    return statements / minutes;
  }

  private static void logStatements(PrivateServer server, String which) throws SQLException {
    Postgres.execute(
        server.jdbcUrl(),
        "ALTER SYSTEM SET log_statement = '" + which + "'",
        "SELECT pg_reload_conf()");
  }

  private static double walBytes(PrivateServer server) throws SQLException {
    return Double.parseDouble(
        Postgres.query(server.jdbcUrl(), "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"));
  }
}
