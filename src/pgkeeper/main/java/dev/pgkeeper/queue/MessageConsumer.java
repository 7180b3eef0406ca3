package dev.pgkeeper.queue;

import java.time.Duration;

/**
 * Somebody who handles the messages of a queue until it is stopped, in whichever session there is.
 * A keeper that is closed stops its consumers, and waits at most ten seconds for them.
 */
public interface MessageConsumer extends AutoCloseable {
  /** Whether it takes messages; no longer once it is stopped, or its queue is gone. */
  boolean isRunning();

  /**
   * Takes nothing more, gives back at once what no handler has begun, and waits for the handlers
   * that run. Returns true if all of it is done and acked. Otherwise some handlers still run, and
   * their messages are acked when they return.
   */
  boolean stop(Duration patience) throws InterruptedException;

  /** Stops, and waits at most half a minute. */
  @Override
  void close();
}
