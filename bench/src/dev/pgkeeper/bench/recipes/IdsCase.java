package dev.pgkeeper.bench.recipes;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.Workload;
import dev.pgkeeper.shared.IdGenerator;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** Ids from blocks, all threads of a process from one generator. */
final class IdsCase implements Case {
  /** The floor: unique in this process as long as it runs. */
  private static final String ATOMIC = "AtomicLong";

  private static final List<Integer> THREAD_COUNTS = List.of(1, 16);

  /** A look at the clock costs more than an id. */
  private static final int IDS_PER_STEP = 10_000;

  @Override
  public String name() {
    return "recipes.ids";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    try (Clients clients = new Clients(lab, report, name())) {
      for (int threads : THREAD_COUNTS) {
        new Contest(name(), threads, Measure.rate("ids/s"))
            .entrant(
                Clients.PGKEEPER,
                () -> {
                  IdGenerator ids = clients.keeper(2).idGenerator("/bench-ids");
                  return handOut(ids::next);
                })
            .entrant(ATOMIC, () -> handOut(new AtomicLong()::incrementAndGet))
            .reach(Clients.PGKEEPER, Target.atLeast(5_000_000))
            .compare(Clients.PGKEEPER, ATOMIC, null)
            .run(lab, report);
      }
    }
  }

  private static Workload handOut(LongSupplier next) {
    return new Workload() {
      @Override
      public Worker worker(int thread) {
        return Worker.timing(
            () -> {
              long last = 0;
              for (int i = 0; i < IDS_PER_STEP; i++) {
                long id = next.getAsLong();
                if (id <= last) {
                  throw new IllegalStateException(id + " after " + last);
                }
                last = id;
              }
            });
      }

      @Override
      public long unitsPerStep() {
        return IDS_PER_STEP;
      }
    };
  }
}
