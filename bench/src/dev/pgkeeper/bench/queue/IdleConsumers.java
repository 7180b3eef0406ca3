package dev.pgkeeper.bench.queue;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.server.WatchedServer;
import dev.pgkeeper.testing.Await;
import java.lang.management.ManagementFactory;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A client with very many queues, each with a consumer that has nothing to do. */
final class IdleConsumers implements AutoCloseable {
  /** A keeper's threads end when they have had nothing to do for five seconds. */
  private static final Duration UNTIL_SETTLED = Duration.ofSeconds(7);

  private static final Duration LIMIT = Duration.ofMinutes(1);

  private final String name;
  private final WatchedServer server;
  private final Keeper client;
  private final Set<Integer> served = ConcurrentHashMap.newKeySet();

  private int count;
  private int threads;

  /** Starts a server and a client that does nothing yet. */
  IdleConsumers(String name) throws SQLException {
    this.name = name;
    server = new WatchedServer();
    Keeper.migrate(server.othersPool());
    client = Keeper.connect(server.clientPool());
  }

  /** The client consumes from as many queues. */
  void consume(int queues) throws InterruptedException {
    count = queues;
    int before = settledThreads();
    for (int i = 0; i < queues; i++) {
      int number = i;
      PgkeeperMessages.serve(client, queueName(number), () -> served.add(number));
    }
    threads = settledThreads() - before;
  }

  /** What starting has left behind is not what idling needs. */
  private int settledThreads() throws InterruptedException {
    server.evict();
    Thread.sleep(UNTIL_SETTLED.toMillis());
    return ManagementFactory.getThreadMXBean().getThreadCount();
  }

  /** Nothing came until now, and what comes now is served by each of them. */
  void check() {
    if (!served.isEmpty()) {
      throw new IllegalStateException("Somebody had something to do");
    }
    try (Keeper other = Keeper.connect(server.othersPool())) {
      for (int i = 0; i < count; i++) {
        PgkeeperMessages.enqueueOne(other, queueName(i));
      }
      Await.until(LIMIT, "all are served", () -> served.size() == count);
    }
  }

  private static String queueName(int number) {
    return "idle-" + number;
  }

  String name() {
    return name;
  }

  /** What it costs. */
  WatchedServer server() {
    return server;
  }

  /** How many more threads this process has than before. */
  int threads() {
    return threads;
  }

  @Override
  public void close() {
    client.close();
    server.close();
  }
}
