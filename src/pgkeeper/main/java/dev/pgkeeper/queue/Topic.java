package dev.pgkeeper.queue;

import java.sql.Connection;
import java.util.List;

/**
 * What is published here goes to every subscription there is at that moment; each is a queue of its
 * own, with its own consumers.
 *
 * <pre>{@code
 * Topic<String> orders = keeper.topic("orders", Codec.text());
 * MessageQueue<String> mine = orders.subscribe("mailer");
 * orders.publish("order 7");
 * }</pre>
 */
public interface Topic<T> {
  String name();

  /** Returns how many subscriptions it went to: to all of them, or to none. */
  int publish(T body);

  int publish(Outgoing<T> message);

  /** In the caller's transaction: it is published exactly if that commits. */
  int publish(Connection connection, T body);

  int publish(Connection connection, Outgoing<T> message);

  /**
   * The subscription of this name; has all that is published from the time it was first asked for.
   */
  MessageQueue<T> subscribe(String subscription);

  /** Ends a subscription, with all its messages. Returns false if there was none. */
  boolean unsubscribe(String subscription);

  List<String> subscriptions();
}
