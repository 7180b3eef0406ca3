package dev.pgkeeper.bench.recipes;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.Workload;
import dev.pgkeeper.shared.Counter;
import java.util.List;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.retry.RetryNTimes;

/** Adding 1 to one counter as fast as it goes. */
final class CounterCase implements Case {
  private static final List<Integer> CLIENT_COUNTS = List.of(1, 16);
  private static final String PATH = "/bench-counter";

  /** Curator's attempts for one addition, without a pause, before it says that it has failed. */
  private static final int ATTEMPTS = 10;

  @Override
  public String name() {
    return "recipes.counter";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    for (int clients : CLIENT_COUNTS) {
      try (Clients own = new Clients(lab, report, name() + clients)) {
        Contest contest = new Contest(name(), clients, Measure.rate("adds/s"));
        contest
            .entrant(
                Clients.PGKEEPER, () -> thread -> pgkeeper(own.keeper(Clients.SMALL_POOL_SIZE)))
            .entrant(Clients.CURATOR, () -> thread -> curator(own.curator()))
            .compare(Clients.PGKEEPER, Clients.CURATOR, Target.atLeast(3));
        if (clients > 1) {
          contest
              .entrant(Clients.PGKEEPER_SHARED, () -> shared(own.keeper(Clients.POOL_SIZE)))
              .entrant(Clients.CURATOR_SHARED, () -> shared(own.curator()))
              .compare(Clients.PGKEEPER_SHARED, Clients.CURATOR_SHARED, Target.atLeast(3));
        }
        contest.run(lab, report);
      }
    }
  }

  private static Workload shared(Keeper keeper) {
    return thread -> pgkeeper(keeper);
  }

  private static Workload shared(CuratorFramework client) {
    return thread -> curator(client);
  }

  private static Worker pgkeeper(Keeper keeper) {
    Counter counter = keeper.counter(PATH);
    return Worker.timing(counter::increment);
  }

  /** By hand as often as it takes: an attempt that failed did not count. */
  private static Worker curator(CuratorFramework client) {
    DistributedAtomicLong counter =
        new DistributedAtomicLong(client, PATH, new RetryNTimes(ATTEMPTS, 0));
    return Worker.timing(
        () -> {
          while (!counter.increment().succeeded()) {
            Thread.onSpinWait();
          }
        });
  }
}
