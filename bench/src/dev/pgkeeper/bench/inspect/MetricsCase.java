package dev.pgkeeper.bench.inspect;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Codec;
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
import dev.pgkeeper.metrics.KeeperMetrics;
import dev.pgkeeper.queue.MessageQueue;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Function;

/**
 * Locks acquired and released, and messages enqueued, by threads of one client, with metrics bound
 * to a registry and without. It is the same client in both: of two, one is served better for a
 * while than metrics cost.
 */
final class MetricsCase implements Case {
  private static final List<Integer> THREAD_COUNTS = List.of(1, 8);
  private static final int POOL_SIZE = 16;
  private static final byte[] PAYLOAD = "x".repeat(100).getBytes(StandardCharsets.UTF_8);
  private static final String ON = "metrics on";
  private static final String OFF = "metrics off";
  private static final Target TARGET = Target.atLeast(0.98);

  @Override
  public String name() {
    return "inspect.metrics";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    String url = Postgres.of(lab, report).createMigrated("inspect_metrics");
    for (int threads : THREAD_COUNTS) {
      contest(lab, report, url, threads, "locks/s", MetricsCase::locks);
      contest(lab, report, url, threads, "messages/s", MetricsCase::messages);
    }
  }

  private void contest(
      Lab lab, Report report, String url, int threads, String unit, Function<Keeper, Workload> work)
      throws Exception {
    try (HikariDataSource pool = Postgres.pool(url, POOL_SIZE);
        Keeper keeper = Keeper.connect(pool)) {
      new Contest(name(), threads, Measure.rate(unit))
          .entrant(ON, () -> new Measured(keeper, work.apply(keeper)))
          .entrant(OFF, () -> work.apply(keeper))
          .compare(ON, OFF, TARGET)
          .run(lab, report);
    }
  }

  /** The same work, bound to a registry as long as a round lasts. */
  private static final class Measured implements Workload {
    private final KeeperMetrics metrics;
    private final Workload work;

    Measured(Keeper keeper, Workload work) {
      this.metrics = new KeeperMetrics(keeper);
      this.work = work;
    }

    @Override
    public Worker worker(int thread) throws Exception {
      return work.worker(thread);
    }

    @Override
    public void before() throws Exception {
      metrics.bindTo(new PrometheusMeterRegistry(PrometheusConfig.DEFAULT));
      work.before();
    }

    @Override
    public void after() throws Exception {
      work.after();
      metrics.close();
    }
  }

  private static Workload locks(Keeper keeper) {
    return thread -> {
      Mutex mutex = keeper.lock("/locks/" + keeper.session().id() + "-" + thread);
      return Worker.timing(() -> mutex.acquire().release());
    };
  }

  private static Workload messages(Keeper keeper) {
    MessageQueue<byte[]> queue = keeper.queue("messages-" + keeper.session().id(), Codec.bytes());
    return new Workload() {
      @Override
      public Worker worker(int thread) {
        return Worker.timing(() -> queue.enqueue(PAYLOAD));
      }

      @Override
      public void after() {
        queue.purge();
      }
    };
  }
}
