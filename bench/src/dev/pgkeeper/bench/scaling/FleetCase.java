package dev.pgkeeper.bench.scaling;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.locks.LockPairs;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.bench.server.StatementLog;
import dev.pgkeeper.testing.PrivateServer;
import java.time.Duration;
import java.util.List;
import java.util.TreeMap;

/**
 * A growing fleet of clients with nothing to do: what they cost the server each minute, and what
 * acquiring and releasing a lock takes one more client while they live.
 */
final class FleetCase implements Case {
  private static final List<Integer> SIZES = List.of(10, 100, 1000, 10_000);
  private static final List<Integer> SIZES_QUICK = List.of(10, 100, 1000);

  private static final Duration WINDOW = Duration.ofMinutes(1);
  private static final Duration WINDOW_QUICK = Duration.ofSeconds(15);

  private final boolean leaseOnly;

  FleetCase(boolean leaseOnly) {
    this.leaseOnly = leaseOnly;
  }

  @Override
  public String name() {
    return leaseOnly ? "scaling.fleet.lease-only" : "scaling.fleet";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    List<Integer> sizes = lab.isQuick() ? SIZES_QUICK : SIZES;
    Duration window = lab.isQuick() ? WINDOW_QUICK : WINDOW;
    report.setting(name() + ": a minute is measured for " + window.toSeconds() + " s");
    TreeMap<String, String> settings = new TreeMap<>(StatementLog.SETTINGS);
    // It is switched on for a while only.
    settings.remove("log_statement");
    try (PrivateServer server = Fleet.server(sizes.get(sizes.size() - 1), settings)) {
      lab.countCpuOf(ProcessHandle.of(server.pid()).orElseThrow());
      Postgres.execute(server.jdbcUrl(), "CREATE DATABASE fleet", "CREATE DATABASE floor");
      String url = server.jdbcUrl().replace("/postgres?", "/fleet?");
      String floor = server.jdbcUrl().replace("/postgres?", "/floor?");
      Postgres.migrate(url);
      LockPairs.prepareFloor(floor);
      StatementLog log = new StatementLog(server, "postgres", "fleet");
      try (Fleet fleet = new Fleet(url, leaseOnly)) {
        for (int size : sizes) {
          fleet.growTo(size);
          String name = fleet.size() + " sessions";
          tell(report, name, IdleMinute.of(server, log, window));
          try (LockPairs pairs = new LockPairs(url, floor)) {
            pairs.measure(name() + ".lock", name, lab, report);
          }
          if (fleet.held() < fleet.size()) {
            report.setting(
                "%s: of %s only %d were held at the end: it is too much for this machine"
                    .formatted(name(), name, fleet.held()));
          }
          if (fleet.limit() != null) {
            report.setting(
                "%s: no more than %s could be had here, not %d, because of %s"
                    .formatted(name(), name, size, fleet.limit()));
            break;
          }
        }
      }
    }
  }

  private void tell(Report report, String fleet, IdleMinute minute) {
    report.counted(name() + ".statements", fleet, "statements/min", minute.statements(), null);
    report.counted(name() + ".wal", fleet, "WAL kB/min", minute.walBytes() / 1e3, null);
    report.counted(name() + ".cpu", fleet, "server CPU s/min", minute.cpuSeconds(), null);
  }
}
