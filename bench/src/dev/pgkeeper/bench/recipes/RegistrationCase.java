package dev.pgkeeper.bench.recipes;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Reaction;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.bench.server.ZooKeeperServer;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * From before an instance is registered until another client, which follows the service, is told
 * that it is there.
 */
final class RegistrationCase implements Case {
  private static final String PGKEEPER = "pgkeeper";
  private static final String CURATOR = "curator";
  private static final Target TARGET = Target.atMost(1.5);

  @Override
  public String name() {
    return "recipes.registration";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    new Contest(name(), 1, Measure.latency())
        .entrant(
            PGKEEPER,
            () ->
                new Registering(
                    new PgkeeperDiscoveries(
                        Postgres.of(lab, report).createMigrated("registration"))))
        .entrant(
            CURATOR,
            () ->
                new Registering(new CuratorDiscoveries(ZooKeeperServer.of(lab, report).address())))
        .warmedUp(5)
        .compare(PGKEEPER, CURATOR, TARGET)
        .run(lab, report);
  }

  private static final class Registering extends Reaction {
    private static final long LIMIT_SECONDS = 20;

    private final Discoveries discoveries;
    private final Semaphore gone = new Semaphore(0);
    private boolean registered;

    Registering(Discoveries discoveries) {
      this.discoveries = discoveries;
    }

    @Override
    public Worker worker(int thread) throws Exception {
      discoveries.follow(
          known -> {
            if (known > 0) {
              told();
            } else {
              gone.release();
            }
          });
      return super.worker(thread);
    }

    @Override
    protected void prepare() throws Exception {
      if (registered) {
        gone.drainPermits();
        discoveries.unregister();
        if (!gone.tryAcquire(LIMIT_SECONDS, TimeUnit.SECONDS)) {
          throw new IllegalStateException("Nobody was told within " + LIMIT_SECONDS + " s");
        }
      }
    }

    @Override
    protected void act() throws Exception {
      registered = true;
      discoveries.register();
    }

    @Override
    public void close() throws Exception {
      discoveries.close();
    }
  }
}
