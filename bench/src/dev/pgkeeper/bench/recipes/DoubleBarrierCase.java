package dev.pgkeeper.bench.recipes;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Opening;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.Workload;
import dev.pgkeeper.shared.DoubleBarrier;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;

/** Fifty participants enter and leave together: from before the first to after the last. */
final class DoubleBarrierCase implements Case {
  private static final int PARTICIPANTS = 50;
  private static final Duration LIMIT = Duration.ofSeconds(30);

  /** Curator's was seen to wait for longer than it was told to, for ever. */
  private static final Duration MEETING_LIMIT = LIMIT.multipliedBy(3);

  @Override
  public String name() {
    return "recipes.double-barrier";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    try (Clients clients = new Clients(lab, report, name())) {
      new Contest(name(), 1, Measure.latency())
          .entrant(
              Clients.PGKEEPER,
              () -> new Meeting(() -> pgkeeper(clients.keeper(Clients.SMALL_POOL_SIZE), "own")))
          .entrant(Clients.CURATOR, () -> new Meeting(() -> curator(clients.curator(), "own")))
          .entrant(
              Clients.PGKEEPER_SHARED,
              () -> {
                Keeper keeper = clients.keeper(Clients.POOL_SIZE);
                return new Meeting(() -> pgkeeper(keeper, "shared"));
              })
          .entrant(
              Clients.CURATOR_SHARED,
              () -> {
                CuratorFramework client = clients.curator();
                return new Meeting(() -> curator(client, "shared"));
              })
          .compare(Clients.PGKEEPER, Clients.CURATOR, Target.atMost(1))
          .compare(Clients.PGKEEPER_SHARED, Clients.CURATOR_SHARED, Target.atMost(1))
          .run(lab, report);
    }
  }

  private static Callable<Boolean> pgkeeper(Keeper keeper, String name) {
    DoubleBarrier barrier = keeper.doubleBarrier("/bench-barrier/" + name, PARTICIPANTS);
    return () -> barrier.enter(LIMIT) && barrier.leave(LIMIT);
  }

  private static Callable<Boolean> curator(CuratorFramework client, String name) {
    return () -> {
      DistributedDoubleBarrier barrier =
          new DistributedDoubleBarrier(client, "/bench-barrier/" + name, PARTICIPANTS);
      long seconds = LIMIT.toSeconds();
      return barrier.enter(seconds, TimeUnit.SECONDS) && barrier.leave(seconds, TimeUnit.SECONDS);
    };
  }

  /** A thread for each participant. */
  private static final class Meeting implements Workload {
    private final ExecutorService threads = Executors.newFixedThreadPool(PARTICIPANTS);
    private final List<Callable<Boolean>> participants = new ArrayList<>();

    Meeting(Opening<Callable<Boolean>> participant) throws Exception {
      for (int i = 0; i < PARTICIPANTS; i++) {
        participants.add(participant.open());
      }
    }

    @Override
    public Worker worker(int thread) {
      return Worker.timing(
          () -> {
            for (Future<Boolean> one :
                threads.invokeAll(participants, MEETING_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
              if (one.isCancelled() || !one.get()) {
                throw new IllegalStateException("not within " + LIMIT);
              }
            }
          });
    }

    @Override
    public void close() {
      threads.shutdownNow();
    }
  }
}
