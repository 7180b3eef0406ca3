package dev.pgkeeper.bench.queue;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.ThreadCensus;
import dev.pgkeeper.bench.server.WatchedServer;
import dev.pgkeeper.testing.Await;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A client with very many queues, each with a consumer that has nothing to do. */
final class IdleConsumers implements AutoCloseable {
  private static final Duration LIMIT = Duration.ofMinutes(1);

  private final String name;
  private final WatchedServer server;
  private final ThreadCensus census;
  private final Keeper client;
  private final Set<Integer> served = ConcurrentHashMap.newKeySet();

  private int count;
  private int threads;

  /** Starts a server and a client that does nothing yet. */
  IdleConsumers(String name) throws Exception {
    this.name = name;
    server = new WatchedServer();
    census = new ThreadCensus(name);
    Keeper.migrate(server.othersPool());
    client = census.during(() -> Keeper.connect(server.clientPool()));
  }

  /** The client consumes from as many queues. */
  void consume(int queues) throws Exception {
    count =
        census.during(
            () -> {
              for (int i = 0; i < queues; i++) {
                int number = i;
                PgkeeperMessages.serve(client, queueName(number), () -> served.add(number));
              }
              return queues;
            });
  }

  /** Until now it counted. */
  void end() {
    server.end();
    threads = census.count();
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

  /** How many threads the client had at the end. */
  int threads() {
    return threads;
  }

  @Override
  public void close() {
    client.close();
    server.close();
  }
}
