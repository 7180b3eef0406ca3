package dev.pgkeeper.queue;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Thrown by a handler: the message is tried again after so long, instead of after the queue's
 * backoff. It counts as a try, as {@link Delivery#nack(Duration)} does: after its last try, the
 * message goes under the dead letters. Whatever the handler did in its transaction is rolled back.
 */
public final class RetryLater extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final Duration LONGEST = Duration.ofDays(36_500);

  private final Duration delay;

  public RetryLater(Duration delay) {
    this(delay, null, null);
  }

  /**
   * @param reason what the dead letters show if this was the last try
   */
  public RetryLater(Duration delay, String reason) {
    this(delay, reason, null);
  }

  /**
   * @param cause its class and message are what the dead letters show
   */
  public RetryLater(Duration delay, Throwable cause) {
    this(delay, cause.toString(), cause);
  }

  private RetryLater(Duration delay, @Nullable String reason, @Nullable Throwable cause) {
    super(reason, cause);
    if (delay.isNegative() || delay.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException("delay is " + delay + "; use 0 to 36,500 days");
    }
    this.delay = delay;
  }

  public Duration delay() {
    return delay;
  }
}
