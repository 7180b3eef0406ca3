package dev.pgkeeper.queue;

import java.sql.Connection;

/**
 * What is done with a message in a transaction. It commits after this returned, and acks the
 * message by that; throwing anything rolls it back, and the message is tried again after the
 * queue's backoff; or after another delay ({@link RetryLater}), or never ({@link Bury}). The
 * handler must not end the transaction itself.
 */
@FunctionalInterface
public interface TransactionHandler<T> {
  void handle(Connection connection, Message<T> message) throws Exception;
}
