package dev.pgkeeper.queue;

/**
 * What is done with a message. Returning acks it; throwing anything gives it back, to be tried
 * again after the queue's backoff; or after another delay ({@link RetryLater}), or never ({@link
 * Bury}).
 */
@FunctionalInterface
public interface Handler<T> {
  void handle(Message<T> message) throws Exception;
}
