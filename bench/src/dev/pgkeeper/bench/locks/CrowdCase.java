package dev.pgkeeper.bench.locks;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Held;
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
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Handing a lock over while a thousand clients wait for it, against ten. Each client is a session
 * with a connection that listens. Both groups are there all the time, on one server in a database
 * of their own each, so that what they cost by being there hits both.
 */
final class CrowdCase implements Case {
  private static final int FEW = 10;
  private static final int MANY = 1000;
  private static final int MANY_QUICK = 100;

  private static final Map<String, String> SETTINGS =
      Map.of(
          "max_connections", Integer.toString(MANY + FEW + 100),
          "shared_buffers", "256MB",
          "max_wal_size", "8GB");

  @Override
  public String name() {
    return "locks.crowd";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    int size = lab.isQuick() ? MANY_QUICK : MANY;
    if (lab.isQuick()) {
      report.setting(name() + ": in the quick form " + size + " clients wait, not " + MANY);
    }
    String few = FEW + " waiting";
    String many = size + " waiting";
    try (PrivateServer server = PrivateServer.start(SETTINGS)) {
      lab.countCpuOf(ProcessHandle.of(server.pid()).orElseThrow());
      new Contest(name(), 1, Measure.latency())
          .entrant(few, () -> new Crowd(server, "few", FEW))
          .entrant(many, () -> new Crowd(server, "many", size))
          .compare(many, few, Target.atMost(1.3))
          .run(lab, report);
    }
  }

  private static final class Crowd implements Workload {
    private static final String LOCK = "crowd";
    private static final Duration START_LIMIT = Duration.ofMinutes(5);
    private static final long LIMIT_SECONDS = 60;

    private record Taken(int client, Held held, long at) {}

    private record Failed(Throwable cause) {}

    private final HikariDataSource pool;
    private final List<PgkeeperLocks> clients = Collections.synchronizedList(new ArrayList<>());

    /** {@link Taken} by those who got it, or why somebody failed to. */
    private final BlockingQueue<Object> events = new LinkedBlockingQueue<>();

    private @Nullable Taken holder;

    /** One holds the lock, and as many wait for it. */
    Crowd(PrivateServer server, String database, int waiting) throws SQLException {
      Postgres.execute(server.jdbcUrl(), "CREATE DATABASE " + database);
      String url = server.jdbcUrl().replace("/postgres?", "/" + database + "?");
      Postgres.migrate(url);
      pool = Postgres.pool(url, Subjects.POOL_SIZE);
      try {
        IntStream.rangeClosed(0, waiting)
            .parallel()
            .forEach(i -> clients.add(PgkeeperLocks.connect(pool)));
        IntStream.rangeClosed(0, waiting).forEach(this::ask);
        Mutex lock = clients.get(0).mutex(LOCK);
        Await.until(START_LIMIT, "all wait", () -> lock.waiters().size() == waiting);
      } catch (RuntimeException | AssertionError e) {
        close();
        throw e;
      }
    }

    private void ask(int client) {
      clients
          .get(client)
          .acquireAsync(LOCK)
          .whenComplete(
              (held, failure) ->
                  events.add(
                      failure == null
                          ? new Taken(client, held, System.nanoTime())
                          : new Failed(failure)));
    }

    @Override
    public Worker worker(int thread) {
      return () -> {
        Taken last = holder == null ? next() : holder;
        // Meanwhile whoever had it before has joined the queue again.
        Thread.sleep(HandOffCase.HELD.toMillis());
        long began = System.nanoTime();
        last.held.release();
        Taken next = next();
        holder = next;
        ask(last.client);
        return next.at - began;
      };
    }

    private Taken next() throws InterruptedException {
      Object event = events.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
      if (event instanceof Taken taken) {
        return taken;
      }
      throw new IllegalStateException(
          "Nobody got the lock", event instanceof Failed failed ? failed.cause : null);
    }

    @Override
    public void close() {
      clients.parallelStream().forEach(PgkeeperLocks::close);
      pool.close();
    }
  }
}
