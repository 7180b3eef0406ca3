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
import dev.pgkeeper.recipes.Mutex;
import java.util.List;
import org.postgresql.ds.PGSimpleDataSource;

/** Locks acquired and released by threads of one client, with history and without. */
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
    String on = database(lab, report, "inspect_history_on");
    String off = database(lab, report, "inspect_history_off");
    Postgres.execute(off, "SELECT pgkeeper.configure_history('measured', in_enabled => false)");
    for (int threads : THREAD_COUNTS) {
      try (HikariDataSource onPool = Postgres.pool(on, POOL_SIZE);
          HikariDataSource offPool = Postgres.pool(off, POOL_SIZE);
          Keeper onKeeper = Keeper.connect(onPool);
          Keeper offKeeper = Keeper.connect(offPool)) {
        new Contest(name(), threads, Measure.rate("locks/s"))
            .entrant(ON, () -> workload(onKeeper))
            .entrant(OFF, () -> workload(offKeeper))
            .compare(ON, OFF, Target.atLeast(0.9))
            .run(lab, report);
      }
    }
  }

  private static String database(Lab lab, Report report, String name) throws Exception {
    String url = Postgres.of(lab, report).createDatabase(name);
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl(url);
    Keeper.migrate(source);
    return url;
  }

  private static Workload workload(Keeper keeper) {
    return thread -> {
      Mutex mutex = keeper.lock("/locks/own-" + thread);
      return Worker.timing(() -> mutex.acquire().release());
    };
  }
}
