package dev.pgkeeper.bench.ways;

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

/**
 * One kind of work by one client on one connection, whose functions are pinned and unpinned in
 * turns.
 */
final class PinsCase implements Case {
  private static final String PINNED = "pinned";
  private static final String UNPINNED = "unpinned";

  /** What functions keep has to be made again after each change of them. */
  private static final int STEPS_TO_SETTLE = 50;

  private static final String UNPIN =
      "DO $$ DECLARE f regprocedure; BEGIN FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'pgkeeper'::regnamespace"
          + " AND 'search_path=pg_catalog, pg_temp' = ANY (proconfig)"
          + " LOOP EXECUTE format('ALTER FUNCTION %s RESET search_path', f); END LOOP; END $$";

  private final Work work;

  PinsCase(Work work) {
    this.work = work;
  }

  @Override
  public String name() {
    return "pins." + work.caseName();
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    String url = Postgres.of(lab, report).createMigrated("pins");
    try (HikariDataSource pool = Postgres.pool(url, 1);
        Keeper keeper = Keeper.connect(pool)) {
      Work.prepare(keeper);
      new Contest(name(), 1, Measure.rate("ops/s"))
          .entrant(PINNED, () -> after("SELECT pgkeeper._pin_all()", url, keeper))
          .entrant(UNPINNED, () -> after(UNPIN, url, keeper))
          .compare(PINNED, UNPINNED, Target.atLeast(0.97))
          .run(lab, report);
    }
  }

  private Workload after(String change, String url, Keeper keeper) {
    return new Workload() {
      @Override
      public Worker worker(int thread) {
        return Worker.timing(work.step(keeper, thread));
      }

      @Override
      public void before() throws Exception {
        Postgres.execute(url, change);
        Worker.Call step = work.step(keeper, 0);
        for (int i = 0; i < STEPS_TO_SETTLE; i++) {
          step.run();
        }
      }
    };
  }
}
