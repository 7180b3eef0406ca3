package dev.pgkeeper.internal.queue;

import dev.pgkeeper.Codec;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.queue.Outgoing;
import dev.pgkeeper.queue.Queue;
import dev.pgkeeper.queue.QueueOptions;
import dev.pgkeeper.queue.Topic;
import java.sql.Connection;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;

/** A topic: who publishes asks which subscriptions there are, and enqueues into all of them. */
public final class SharedTopic<T> implements Topic<T> {
  private static final char SLASH = '/';

  private final Queues queues;
  private final String name;
  private final Codec<T> codec;

  public SharedTopic(Queues queues, String name, Codec<T> codec) {
    this.queues = queues;
    this.name = SharedQueue.checkName("a topic's name", name);
    this.codec = Objects.requireNonNull(codec, "codec");
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int publish(T body) {
    return publish(Outgoing.of(body));
  }

  @Override
  public int publish(Outgoing<T> message) {
    queues.session().ensureUsable();
    try {
      return publishToAll(message);
    } catch (KeeperException.NoQueue e) {
      return publishToAll(message); // a subscription ended meanwhile, and nothing was published
    }
  }

  private int publishToAll(Outgoing<T> message) {
    return enqueue(
        queues.database().read(queues.calls().subscriptions(name)),
        message,
        batch -> queues.enqueue(batch));
  }

  @Override
  public int publish(Connection connection, T body) {
    return publish(connection, Outgoing.of(body));
  }

  @Override
  public int publish(Connection connection, Outgoing<T> message) {
    Objects.requireNonNull(connection, "connection");
    queues.session().ensureUsable();
    return enqueue(
        Database.on(connection, queues.calls().subscriptions(name)),
        message,
        batch -> Database.on(connection, queues.calls().enqueueAll(batch)));
  }

  private int enqueue(List<String> subscriptions, Outgoing<T> message, Consumer<Batch> enqueuer) {
    if (subscriptions.size() > Queue.MOST_AT_ONCE) {
      throw new IllegalStateException(
          "the topic "
              + name
              + " has "
              + subscriptions.size()
              + " subscriptions; "
              + Queue.MOST_AT_ONCE
              + " can be published to at once");
    }
    if (!subscriptions.isEmpty()) {
      enqueuer.accept(Batch.forEach(subscriptions, codec, message));
    }
    return subscriptions.size();
  }

  @Override
  public Queue<T> subscribe(String subscription) {
    checkSubscription(subscription);
    String queue = name + SLASH + subscription;
    SharedQueue.checkName("a subscription's name, with its topic's,", queue);
    queues.session().ensureUsable();
    queues.database().read(queues.calls().subscribe(name, subscription));
    // Ended by somebody, it is not made again by who still consumes it.
    return new SharedQueue<>(queues, queue, codec, QueueOptions.defaults().withCreation(false));
  }

  private static void checkSubscription(String subscription) {
    SharedQueue.checkName("a subscription's name", subscription);
  }

  @Override
  public boolean unsubscribe(String subscription) {
    checkSubscription(subscription);
    queues.session().ensureUsable();
    return queues.database().read(queues.calls().unsubscribe(name, subscription));
  }

  @Override
  public List<String> subscriptions() {
    queues.session().ensureUsable();
    return queues.database().read(queues.calls().subscriptions(name)).stream()
        .map(queue -> queue.substring(name.length() + 1))
        .toList();
  }

  @Override
  public String toString() {
    return "Topic[" + name + "]";
  }
}
