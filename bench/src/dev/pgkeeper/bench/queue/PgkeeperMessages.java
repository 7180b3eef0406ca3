package dev.pgkeeper.bench.queue;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Codec;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.queue.ConsumeOptions;
import dev.pgkeeper.queue.Delivery;
import dev.pgkeeper.queue.MessageConsumer;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.queue.Outgoing;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/** pgkeeper: one session, its queue on a pool as the floor's. */
final class PgkeeperMessages implements Serving {
  private static final String QUEUE = "messages";

  /** For a client of one thread. */
  private static final int SMALL_POOL_SIZE = 2;

  /** Messages for each thread of a consumer, the one that it handles included. */
  private static final int FEWEST_TAKEN = 4;

  private static final int MOST_AHEAD = 1000;

  /** How messages are taken, and what is done with them then. */
  enum Way {
    /** Acked all at once, in the round trip that takes the next ones. */
    WITH_NEXT_TAKE,

    /** Acked each in a round trip of its own, before the next ones are taken. */
    ONE_BY_ONE,

    /** By a consumer that the library runs, with a handler for each thread. */
    HANDLED
  }

  private final String url;
  private final HikariDataSource pool;
  private final Keeper keeper;
  private final MessageQueue<byte[]> queue;
  private final Way way;
  private final int keys;
  private final List<AutoCloseable> serving = new ArrayList<>();

  private PgkeeperMessages(String url, Way way, int keys) {
    this.url = url;
    this.way = way;
    this.keys = keys;
    pool = Postgres.pool(url, Subjects.POOL_SIZE);
    try {
      keeper = Keeper.connect(pool);
    } catch (RuntimeException e) {
      pool.close();
      throw e;
    }
    queue = keeper.queue(QUEUE, Codec.bytes());
  }

  /** In a database of its own, which has been migrated. */
  static PgkeeperMessages open(String url, Way way) {
    return new PgkeeperMessages(url, way, 0);
  }

  /** The same, with messages of so many keys in its backlog. */
  static PgkeeperMessages openKeyed(String url, int keys) {
    return new PgkeeperMessages(url, Way.WITH_NEXT_TAKE, keys);
  }

  @Override
  public void enqueue(List<byte[]> payloads) {
    if (payloads.size() == 1) {
      queue.enqueue(payloads.get(0));
    } else {
      queue.enqueueAll(payloads);
    }
  }

  @Override
  public Consumers consumers(int threads, int batch) {
    return way == Way.HANDLED ? handled(threads, batch) : taken(batch);
  }

  /** Takes as far ahead as {@link SchedulerMessages} fetches. */
  private Consumers handled(int threads, int batch) {
    HandledOnDemand demand = new HandledOnDemand();
    MessageConsumer consumer =
        queue.consume(
            ConsumeOptions.defaults()
                .withConcurrency(threads)
                .withPrefetch(Math.min((Math.max(batch, FEWEST_TAKEN) - 1) * threads, MOST_AHEAD)),
            message -> demand.handle());
    return new Consumers() {
      @Override
      public Consumer consumer() {
        return demand.consumer(batch);
      }

      @Override
      public void close() {
        demand.stopHolding();
        consumer.close();
      }
    };
  }

  private Consumers taken(int batch) {
    List<Taking> all = new ArrayList<>();
    return new Consumers() {
      @Override
      public Consumer consumer() {
        Taking fresh = new Taking(batch);
        all.add(fresh);
        return fresh;
      }

      @Override
      public void close() {
        all.forEach(Taking::finish);
      }
    };
  }

  private final class Taking implements Consumer {
    private final int batch;
    private List<Delivery<byte[]>> done = List.of();

    Taking(int batch) {
      this.batch = batch;
    }

    @Override
    public int next(Duration wait) throws InterruptedException {
      done = queue.ackAndTake(done, batch, wait);
      int taken = done.size();
      if (way == Way.ONE_BY_ONE) {
        finish();
      }
      return taken;
    }

    void finish() {
      done.forEach(Delivery::ack);
      done = List.of();
    }
  }

  /** By another client, as a worker is. */
  @Override
  public void serve(Runnable handler) {
    HikariDataSource workersPool = Postgres.pool(url, SMALL_POOL_SIZE);
    serving.add(workersPool);
    Keeper worker = Keeper.connect(workersPool);
    serving.add(0, worker);
    serve(worker, QUEUE, handler);
  }

  /** A worker with one thread, until the client is closed. */
  static void serve(Keeper client, String queue, Runnable handler) {
    client.queue(queue, Codec.bytes()).consume(ConsumeOptions.defaults(), message -> handler.run());
  }

  static void enqueueOne(Keeper client, String queue) {
    client.queue(queue, Codec.bytes()).enqueue(Messages.payloads(1).get(0));
  }

  @Override
  public int longestBacklog() {
    return Subjects.LONGEST_BACKLOG;
  }

  @Override
  public void fill(int count) throws SQLException {
    for (int from = 0; from < count; from += MessageQueue.MOST_AT_ONCE) {
      List<byte[]> payloads = Messages.payloads(Math.min(MessageQueue.MOST_AT_ONCE, count - from));
      if (keys == 0) {
        queue.enqueueAll(payloads);
      } else {
        queue.enqueue(payloads.stream().map(this::keyed).toList());
      }
    }
    Postgres.execute(url, "VACUUM (ANALYZE) pgkeeper.message, pgkeeper.claim, pgkeeper.key_turn");
  }

  private Outgoing<byte[]> keyed(byte[] payload) {
    return Outgoing.of(payload).key("key-" + ThreadLocalRandom.current().nextInt(keys));
  }

  @Override
  public void clear() throws SQLException {
    Postgres.execute(url, "TRUNCATE pgkeeper.message");
  }

  @Override
  public void close() throws Exception {
    for (AutoCloseable each : serving) {
      each.close();
    }
    keeper.close();
    pool.close();
  }
}
