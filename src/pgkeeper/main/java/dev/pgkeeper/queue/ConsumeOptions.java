package dev.pgkeeper.queue;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * How messages are consumed. Immutable; each {@code with…} returns a checked copy.
 *
 * @param concurrency how many handlers run at once; 1 to 1,000
 * @param prefetch how many more messages are taken ahead, so that a handler need not wait for the
 *     next one; 0 to 1,000. They are claimed: nobody else handles them meanwhile
 * @param lease how long a message that is neither acked nor given back stays claimed, even though
 *     its session lives; the consumer extends it while the message's handler runs. Null: as long as
 *     the session
 * @param executor where handlers run; null: on daemon threads of the library's
 */
public record ConsumeOptions(
    int concurrency, int prefetch, @Nullable Duration lease, @Nullable Executor executor) {
  public ConsumeOptions {
    if (concurrency < 1 || concurrency > 1000) {
      throw new IllegalArgumentException("concurrency is " + concurrency + "; use 1 to 1,000");
    } else if (prefetch < 0 || prefetch > 1000) {
      throw new IllegalArgumentException("prefetch is " + prefetch + "; use 0 to 1,000");
    } else if (lease != null && lease.compareTo(Duration.ofSeconds(1)) < 0) {
      throw new IllegalArgumentException("lease is " + lease + "; use 1 second or more");
    }
  }

  /** One at a time, and none ahead. */
  public static ConsumeOptions defaults() {
    return new ConsumeOptions(1, 0, null, null);
  }

  public ConsumeOptions withConcurrency(int handlers) {
    return new ConsumeOptions(handlers, prefetch, lease, executor);
  }

  public ConsumeOptions withPrefetch(int messages) {
    return new ConsumeOptions(concurrency, messages, lease, executor);
  }

  public ConsumeOptions withLease(Duration newLease) {
    return new ConsumeOptions(
        concurrency, prefetch, Objects.requireNonNull(newLease, "lease"), executor);
  }

  public ConsumeOptions withExecutor(Executor handlers) {
    return new ConsumeOptions(
        concurrency, prefetch, lease, Objects.requireNonNull(handlers, "executor"));
  }
}
