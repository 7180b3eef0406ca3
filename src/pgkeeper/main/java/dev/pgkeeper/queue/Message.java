package dev.pgkeeper.queue;

import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What was enqueued.
 *
 * @param id grows in the order of enqueueing
 * @param attempt 1 the first time it is taken, one more for each time it was tried and not acked
 * @param key messages with the same key are taken one at a time, in their order
 * @param enqueued by the database's clock, as all times here
 * @param expires when it goes to the dead letters if nobody took it; null: never
 */
public record Message<T>(
    long id,
    T body,
    Map<String, String> headers,
    int attempt,
    @Nullable String key,
    int priority,
    Instant enqueued,
    @Nullable Instant expires) {

  /** Without what is in it. */
  @Override
  public String toString() {
    return "Message[" + id + ", attempt " + attempt + "]";
  }
}
