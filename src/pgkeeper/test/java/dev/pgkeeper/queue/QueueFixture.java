package dev.pgkeeper.queue;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** A database, the keepers of a test class, and queues that no other test uses. */
final class QueueFixture implements AutoCloseable {
  /** So long that nobody has something only because it looks once more at the end of its wait. */
  static final Duration LONG = Duration.ofMinutes(5);

  final TestDatabase database = TestDatabase.fresh();
  private final List<Keeper> keepers = new ArrayList<>();
  private final AtomicInteger number = new AtomicInteger();

  /** Sweeps never: what is rung for has to be rung. */
  KeeperOptions options() {
    return database.keeperOptions();
  }

  Keeper connect() {
    return connect(options());
  }

  Keeper connect(KeeperOptions options) {
    Keeper keeper = Keeper.connect(database.dataSource(), options);
    keepers.add(keeper);
    return keeper;
  }

  String newName() {
    return "queue-" + number.incrementAndGet();
  }

  MessageQueue<String> newQueue(Keeper keeper) {
    return keeper.queue(newName(), Codec.text());
  }

  MessageQueue<String> newQueue(Keeper keeper, QueueOptions options) {
    return keeper.queue(newName(), Codec.text(), options);
  }

  /** The same queue as another client has it. */
  static MessageQueue<String> same(MessageQueue<String> queue, Keeper keeper) {
    return keeper.queue(queue.name(), Codec.text());
  }

  static List<String> bodies(List<Delivery<String>> deliveries) {
    return deliveries.stream().map(Delivery::body).toList();
  }

  /** How many sessions sleep at this queue. */
  long sleepers(MessageQueue<?> queue) {
    return database.queryLong(
        "SELECT count(*) FROM ${schema}.idle WHERE queue = '" + queue.name() + "'");
  }

  @Override
  public void close() {
    keepers.forEach(Keeper::close);
    database.close();
  }
}
