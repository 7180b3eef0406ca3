package dev.pgkeeper.internal.queue;

import dev.pgkeeper.Codec;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.Outcome;
import dev.pgkeeper.internal.observe.Operation;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.queue.Outgoing;
import dev.pgkeeper.queue.QueueOptions;
import dev.pgkeeper.queue.Topic;
import java.sql.Connection;
import java.util.Collections;
import java.util.List;
import java.util.Objects;

/** A topic: what is published is enqueued into the queues of all subscriptions there are. */
public final class SharedTopic<T> implements Topic<T> {
  private static final char SLASH = '/';

  private final PresentQueues queues;
  private final String name;
  private final Codec<T> codec;

  public SharedTopic(PresentQueues queues, String name, Codec<T> codec) {
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
    Queues all = usable();
    Batch only = only(message);
    try {
      return counted(all, publish(all.session(), only));
    } catch (KeeperException.NoQueue e) {
      // A subscription ended meanwhile, and nothing was published.
      return counted(all, publish(all.session(), only));
    }
  }

  /**
   * Under the topic, to all subscriptions or none; an outcome for each, whose path is its queue.
   * The batch is one message, with the topic instead of a queue.
   */
  private static List<Outcome> publish(QueueSession session, Batch message) {
    return session.observation().measure(Operation.PUBLISH, () -> request(session, message));
  }

  private static List<Outcome> request(QueueSession session, Batch message) {
    return session
        .database()
        .request(
            session.calls().requestPublishSql(),
            message::bindOnly,
            (connection, schema, outcomes) ->
                session
                    .calls()
                    .ringIdle(
                        connection,
                        outcomes.stream().map(Outcome::path).toList(),
                        Collections.nCopies(outcomes.size(), 1)));
  }

  @Override
  public int publish(Connection connection, T body) {
    return publish(connection, Outgoing.of(body));
  }

  @Override
  public int publish(Connection connection, Outgoing<T> message) {
    Objects.requireNonNull(connection, "connection");
    Queues all = usable();
    return counted(all, Database.on(connection, all.session().calls().publishAll(only(message))));
  }

  private Queues usable() {
    Queues now = queues.now();
    now.session().ensureUsable();
    return now;
  }

  private Batch only(Outgoing<T> message) {
    return Batch.of(name, codec, List.of(message));
  }

  private static int counted(Queues all, List<Outcome> outcomes) {
    for (Outcome one : outcomes) {
      if (one.code() == KeeperException.Code.OK) {
        all.named(one.path()).counter.enqueued(1);
      }
    }
    return outcomes.size();
  }

  @Override
  public MessageQueue<T> subscribe(String subscription) {
    checkSubscription(subscription);
    String queue = name + SLASH + subscription;
    SharedQueue.checkName("a subscription's name, with its topic's,", queue);
    QueueSession session = usable().session();
    session.database().read(session.calls().subscribe(name, subscription));
    // Ended by somebody, it is not made again by who still consumes it.
    return new SharedQueue<>(queues, queue, codec, QueueOptions.defaults().withCreation(false));
  }

  private static void checkSubscription(String subscription) {
    SharedQueue.checkName("a subscription's name", subscription);
  }

  @Override
  public boolean unsubscribe(String subscription) {
    checkSubscription(subscription);
    return Administration.unsubscribe(name, subscription).carryOut(usable().session()) > 0;
  }

  @Override
  public List<String> subscriptions() {
    QueueSession session = usable().session();
    return session.database().read(session.calls().subscriptions(name)).stream()
        .map(queue -> queue.substring(name.length() + 1))
        .toList();
  }

  @Override
  public String toString() {
    return "Topic[" + name + "]";
  }
}
