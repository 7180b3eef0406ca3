package dev.pgkeeper.bench.queue;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.SchedulerBuilder;
import com.github.kagkarlsson.scheduler.SchedulerClient;
import com.github.kagkarlsson.scheduler.serializer.Serializer;
import com.github.kagkarlsson.scheduler.task.TaskInstance;
import com.github.kagkarlsson.scheduler.task.helper.OneTimeTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.bench.server.Postgres;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * db-scheduler on the same PostgreSQL: a message is a task that is due at once and done once, found
 * by locking and fetching.
 */
final class SchedulerMessages implements Serving {
  private static final String TASK = "message";

  /** As its documentation advises: fetch again when there is one for each thread, up to four. */
  private static final int ADVISED_FETCH = 4;

  private static final int LONGEST_BACKLOG = 50_000;

  private static final Duration STOP_LIMIT = Duration.ofSeconds(10);

  private final String url;
  private final HikariDataSource pool;
  private final AtomicLong lastId = new AtomicLong();
  private final List<Scheduler> serving = new ArrayList<>();
  private SchedulerClient client;

  /** In a database of its own. */
  SchedulerMessages(String url) throws SQLException {
    this.url = url;
    Postgres.execute(
        url,
        """
        CREATE TABLE scheduled_tasks (
          task_name text NOT NULL, task_instance text NOT NULL, task_data bytea, execution_time timestamptz,
          picked boolean NOT NULL, picked_by text, last_success timestamptz, last_failure timestamptz,
          consecutive_failures integer, last_heartbeat timestamptz, version bigint NOT NULL, priority smallint,
          state text, PRIMARY KEY (task_name, task_instance))
        """,
        "CREATE INDEX execution_time_idx ON scheduled_tasks (execution_time)",
        "CREATE INDEX last_heartbeat_idx ON scheduled_tasks (last_heartbeat)");
    pool = Postgres.pool(url, Subjects.POOL_SIZE);
    client = SchedulerClient.Builder.create(pool, task(() -> {})).serializer(new Bytes()).build();
  }

  private static OneTimeTask<byte[]> task(Runnable handler) {
    return Tasks.oneTime(TASK, byte[].class).execute((instance, context) -> handler.run());
  }

  private TaskInstance<byte[]> instance(byte[] payload) {
    return new TaskInstance<>(TASK, Long.toString(lastId.incrementAndGet()), payload);
  }

  @Override
  public void enqueue(List<byte[]> payloads) {
    List<TaskInstance<?>> instances = new ArrayList<>();
    payloads.forEach(payload -> instances.add(instance(payload)));
    client.scheduleBatch(instances, Instant.now());
  }

  /** Its own threads do the work. */
  @Override
  public Consumers consumers(int threads, int batch) {
    HandledOnDemand demand = new HandledOnDemand();
    int fetch = Math.max(batch, ADVISED_FETCH);
    Scheduler scheduler =
        builder(threads, demand::handle).pollUsingLockAndFetch(fetch / 4.0, fetch).build();
    return new Consumers() {
      private boolean started;

      /** Not before there is something: it would plan its statements for an empty table. */
      private synchronized void start() {
        if (!started) {
          scheduler.start();
          started = true;
        }
      }

      @Override
      public Consumer consumer() {
        Consumer asking = demand.consumer(batch);
        return wait -> {
          start();
          return asking.next(wait);
        };
      }

      @Override
      public void close() {
        demand.stopHolding();
        scheduler.stop();
      }
    };
  }

  /** Only what is scheduled through a scheduler itself is seen before that looks the next time. */
  @Override
  public void serve(Runnable handler) {
    Scheduler scheduler =
        builder(1, handler)
            .pollUsingLockAndFetch(1, ADVISED_FETCH)
            .enableImmediateExecution()
            .build();
    scheduler.start();
    serving.add(scheduler);
    client = scheduler;
  }

  private SchedulerBuilder builder(int threads, Runnable handler) {
    return Scheduler.create(pool, task(handler))
        .threads(threads)
        .pollingInterval(Duration.ofMillis(100))
        .shutdownMaxWait(STOP_LIMIT)
        .serializer(new Bytes());
  }

  @Override
  public int longestBacklog() {
    return LONGEST_BACKLOG;
  }

  @Override
  public void fill(int count) throws SQLException {
    long last = lastId.addAndGet(count);
    Postgres.execute(
        url,
        """
        INSERT INTO scheduled_tasks (task_name, task_instance, task_data, execution_time, picked, version)
          SELECT '%s', i, decode(repeat('00', 100), 'hex'), now(), false, 1 FROM generate_series(%d, %d) AS i
        """
            .formatted(TASK, last - count + 1, last),
        "VACUUM (ANALYZE) scheduled_tasks");
  }

  @Override
  public void clear() throws SQLException {
    Postgres.execute(url, "TRUNCATE scheduled_tasks");
  }

  @Override
  public void close() {
    serving.forEach(Scheduler::stop);
    pool.close();
  }

  /** A payload is bytes already. */
  private static final class Bytes implements Serializer {
    @Override
    public byte[] serialize(Object data) {
      return (byte[]) data;
    }

    @Override
    public <T> T deserialize(Class<T> type, byte[] data) {
      return type.cast(data);
    }
  }
}
