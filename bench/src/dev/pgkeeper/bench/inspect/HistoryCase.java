package dev.pgkeeper.bench.inspect;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.Workload;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.lock.Mutex;
import java.util.List;

/**
 * Locks acquired and released by threads of one client, with history and without. It is the same
 * client in the same database in both: of two, one is served better for a while.
 */
final class HistoryCase implements Case {
  private static final List<Integer> THREAD_COUNTS = List.of(1, 8, 32);
  private static final int POOL_SIZE = 16;
  private static final String ON = "history on";
  private static final String OFF = "history off";

  @Override
  public String name() {
    return "inspect.history";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    String url = Postgres.of(lab, report).createMigrated("inspect_history");
    for (int threads : THREAD_COUNTS) {
      try (HikariDataSource pool = Postgres.pool(url, POOL_SIZE);
          Keeper keeper = Keeper.connect(pool)) {
        new Contest(name(), threads, Measure.rate("locks/s"))
            .entrant(ON, () -> new Locks(keeper, url, true))
            .entrant(OFF, () -> new Locks(keeper, url, false))
            .compare(ON, OFF, Target.atLeast(0.9))
            .run(lab, report);
      }
    }
  }

  /**
   * @param url where history is switched before each round
   */
  private record Locks(Keeper keeper, String url, boolean isRemembered) implements Workload {
    @Override
    public Worker worker(int thread) {
      Mutex mutex = keeper.lock("/locks/own-" + thread);
      return Worker.timing(() -> mutex.acquire().release());
    }

    @Override
    public void before() throws Exception {
      Postgres.execute(
          url, "SELECT pgkeeper.configure_history('measured', in_enabled => " + isRemembered + ")");
    }
  }
}
