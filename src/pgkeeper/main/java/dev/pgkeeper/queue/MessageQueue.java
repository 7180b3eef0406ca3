package dev.pgkeeper.queue;

import dev.pgkeeper.KeeperException;
import java.sql.Connection;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * Messages in the order of their priority, and first come first served within one. An enqueued
 * message is handed to one consumer. Another one gets it only if the first gave it back, or if the
 * first one's session or lease ended. Once it was acked, it is gone. Safe for use by many threads.
 *
 * <pre>{@code
 * MessageQueue<String> mails = keeper.queue("mails", Codec.text());
 * mails.enqueue(connection, "to ada"); // in your own transaction
 * MessageConsumer consumer =
 *     mails.consume(ConsumeOptions.defaults(), message -> send(message.body()));
 * }</pre>
 *
 * <p>Whatever is refused changes nothing: a message that is too large is a {@link
 * KeeperException.MessageRefused}; a queue that is not there and not to be made, a {@link
 * KeeperException.NoQueue}.
 */
public interface MessageQueue<T> {
  /** The most messages that go together in one call. */
  int MOST_AT_ONCE = 1000;

  String name();

  // Enqueueing.

  /** Returns the message's number once it is there for good. */
  long enqueue(T body);

  /** All or none, in one round trip; at most 1,000. */
  List<Long> enqueueAll(List<T> bodies);

  Enqueued enqueue(Outgoing<T> message);

  /** All or none, in one round trip; at most 1,000. */
  List<Enqueued> enqueue(List<Outgoing<T>> messages);

  /**
   * Enqueues in the caller's transaction: the message is there if that commits, and only then. The
   * first message with a key that this queue ever has, and the first of each priority, make others
   * who would enqueue such a first message wait until the transaction ends. Where yours lasts long,
   * enqueue such a message in a transaction of its own before.
   */
  long enqueue(Connection connection, T body);

  List<Long> enqueueAll(Connection connection, List<T> bodies);

  Enqueued enqueue(Connection connection, Outgoing<T> message);

  List<Enqueued> enqueue(Connection connection, List<Outgoing<T>> messages);

  // Taking. A message stays claimed until it is acked or given back, or the session ends.

  /** What comes first; empty if there is nothing. */
  Optional<Delivery<T>> take();

  /** Waits at most this long; waiting takes no connection and no statements. */
  Optional<Delivery<T>> take(Duration timeout) throws InterruptedException;

  /**
   * Takes as many as there are, up to this number, which is at most 1,000; waits until there is
   * one.
   */
  List<Delivery<T>> take(int most, Duration timeout) throws InterruptedException;

  /** Takes messages with a lease: they are free again when it ends, whatever this client does. */
  List<Delivery<T>> take(int most, Duration timeout, Duration lease) throws InterruptedException;

  /**
   * Acks what is done and takes what comes next, in one round trip. The acks do not wait for
   * messages to come.
   *
   * @throws KeeperException.NotHeld if one of them was no longer this session's, as {@link
   *     Delivery#ack} says it; the others are acked, unless it is the session that ended, and
   *     nothing is taken
   */
  List<Delivery<T>> ackAndTake(Collection<Delivery<T>> done, int most, Duration timeout)
      throws InterruptedException;

  /**
   * Takes in the caller's transaction: the message is gone if that commits, and only then.
   * Meanwhile nobody else gets it. Not from a queue with keys.
   */
  Optional<Message<T>> take(Connection connection);

  List<Message<T>> take(Connection connection, int most);

  // Working.

  /** Hands messages to the handler as they come, until the consumer is stopped. */
  MessageConsumer consume(ConsumeOptions options, Handler<T> handler);

  /**
   * Consumes each message in a transaction whose commit acks it too: what the handler does on its
   * connection is there once, whatever breaks.
   */
  MessageConsumer consumeInTransactions(ConsumeOptions options, TransactionHandler<T> handler);

  // Looking after it.

  /**
   * What would be taken next, without taking it.
   *
   * @throws KeeperException.Unreadable if the codec cannot read one of them
   */
  List<Message<T>> peek(int most);

  QueueSize size();

  /**
   * Deletes all that waits, and returns how many. What is claimed or dead stays. It deletes some
   * thousand at a time. If the database stays away and the call fails, what was deleted by then
   * stays deleted, and the call may be made again.
   */
  long purge();

  /** Pauses the queue: nobody takes anything from now on. Returns false if it was paused before. */
  boolean pause();

  /** Resumes the queue. Returns false if it was not paused. */
  boolean resume();

  boolean isPaused();

  DeadLetters deadLetters();
}
