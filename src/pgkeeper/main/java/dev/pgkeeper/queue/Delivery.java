package dev.pgkeeper.queue;

import dev.pgkeeper.KeeperException;
import java.sql.Connection;
import java.time.Duration;

/**
 * A message that was taken and belongs to this session until it is acked or given back. Nobody else
 * gets it meanwhile, however long that takes and with nothing to renew; if the session ends, it is
 * free at once. With a lease it is free at the lease's end too.
 *
 * <p>A delivery can be ended once. A second call on the same object throws an {@link
 * IllegalStateException}; a call that comes too late, because the session or the lease ended,
 * throws a {@link KeeperException.NotHeld}. If the database could not be reached, the call may be
 * made again.
 */
public interface Delivery<T> {
  Message<T> message();

  default T body() {
    return message().body();
  }

  /** Done: the message is gone for good. */
  void ack();

  /**
   * Done if the transaction on this connection commits: then, and only then, the message is gone.
   * If it does not commit, the message is still this session's, to be acked or given back.
   *
   * @throws KeeperException.NotHeld if it is somebody else's by now; the transaction must not be
   *     committed, and cannot be
   */
  void ack(Connection connection);

  /** Not done: it is tried again after the queue's backoff. */
  void nack();

  /** Not done: it is tried again after this delay. */
  void nack(Duration delay);

  /** Not done, and why: the dead letters show it if this was the last try. */
  void nack(String error);

  /** The same; what is kept is the exception's class and message. */
  void nack(Throwable error);

  /** Gives the message back with an error, to be tried again after this delay. */
  void nack(Throwable error, Duration delay);

  /** Not to be tried again: it goes to the dead letters, with this reason. */
  void bury(String reason);

  /** Not tried: it is back in its place as if nobody had taken it. */
  void release();

  /**
   * Extends the lease, so that it ends this long from now. Messages that were taken together share
   * their lease.
   *
   * @throws IllegalStateException if it was taken without a lease, and so lasts with its session
   * @throws KeeperException.NotHeld if the lease was over
   */
  void extend(Duration lease);

  /** Whether it is certainly still this session's, and neither acked nor given back. */
  boolean isHeld();
}
