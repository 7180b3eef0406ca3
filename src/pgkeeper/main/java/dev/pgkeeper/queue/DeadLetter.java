package dev.pgkeeper.queue;

import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A message that is not tried again.
 *
 * @param died when that was decided
 * @param reason why: {@code tried 10 times}, {@code given up}, {@code its time was over}
 * @param error what the last one who tried said of it
 * @param payload as it was enqueued; the codec may be what could not read it
 * @param tries how often it was tried
 */
public record DeadLetter(
    long id,
    Instant died,
    String reason,
    @Nullable String error,
    byte[] payload,
    Map<String, String> headers,
    int tries,
    @Nullable String key,
    Instant enqueued) {

  /** Without what is in it. */
  @Override
  public String toString() {
    return "DeadLetter[" + id + ", " + reason + "]";
  }
}
