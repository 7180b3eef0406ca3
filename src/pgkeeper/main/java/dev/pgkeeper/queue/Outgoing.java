package dev.pgkeeper.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A message to be enqueued, with more than a body: {@code
 * Outgoing.of(order).delay(Duration.ofMinutes(5)).key("customer-7")}. Immutable; each call returns
 * a changed copy.
 */
public final class Outgoing<T> {
  /** Priorities go from minus this to this. */
  public static final int HIGHEST_PRIORITY = 1000;

  private static final Duration LONGEST = Duration.ofDays(36_500);
  private static final Instant LATEST = Instant.parse("9999-12-31T00:00:00Z");

  private final T body;
  private int priority;
  private Duration delay = Duration.ZERO;
  private @Nullable Instant notBefore;
  private @Nullable String key;
  private @Nullable String deduplicationKey;
  private Map<String, String> headers = Map.of();
  private @Nullable Duration timeToLive;

  private Outgoing(T body) {
    this.body = Objects.requireNonNull(body, "body");
  }

  public static <T> Outgoing<T> of(T body) {
    return new Outgoing<>(body);
  }

  private Outgoing<T> with(Consumer<Outgoing<T>> change) {
    Outgoing<T> copy = new Outgoing<>(body);
    copy.priority = priority;
    copy.delay = delay;
    copy.notBefore = notBefore;
    copy.key = key;
    copy.deduplicationKey = deduplicationKey;
    copy.headers = headers;
    copy.timeToLive = timeToLive;
    change.accept(copy);
    return copy;
  }

  /** The highest goes first; 0 if not given, -1000 to 1000. */
  public Outgoing<T> priority(int newPriority) {
    if (newPriority < -HIGHEST_PRIORITY || newPriority > HIGHEST_PRIORITY) {
      throw new IllegalArgumentException("priority is " + newPriority + "; use -1000 to 1000");
    }
    return with(copy -> copy.priority = newPriority);
  }

  /** Nobody takes it earlier than this long after it was enqueued. */
  public Outgoing<T> delay(Duration newDelay) {
    if (newDelay.isNegative() || newDelay.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException("delay is " + newDelay + "; use 0 to 36,500 days");
    }
    return with(
        copy -> {
          copy.delay = newDelay;
          copy.notBefore = null;
        });
  }

  /** Nobody takes it earlier than this, by the database's clock. From 1970 to the year 9999. */
  public Outgoing<T> notBefore(Instant moment) {
    if (moment.isBefore(Instant.EPOCH) || moment.isAfter(LATEST)) {
      throw new IllegalArgumentException("notBefore is " + moment + "; use 1970 to 9999");
    }
    return with(
        copy -> {
          copy.delay = Duration.ZERO;
          copy.notBefore = moment;
        });
  }

  /** Messages of one key are taken one at a time, in the order in which they were enqueued. */
  public Outgoing<T> key(String newKey) {
    checkText("a key", newKey);
    return with(copy -> copy.key = newKey);
  }

  /** Whoever enqueues the same key within the queue's window enqueues nothing. */
  public Outgoing<T> deduplicationKey(String newKey) {
    checkText("a deduplication key", newKey);
    return with(copy -> copy.deduplicationKey = newKey);
  }

  /** One more header. */
  public Outgoing<T> header(String name, String value) {
    checkText("a header's name", name);
    if (value.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("header " + name + " has a NUL character");
    }
    Map<String, String> more = new LinkedHashMap<>(headers);
    more.put(name, value);
    return with(copy -> copy.headers = java.util.Collections.unmodifiableMap(more));
  }

  /** Instead of the headers there are. */
  public Outgoing<T> headers(Map<String, String> newHeaders) {
    Outgoing<T> copy = with(bare -> bare.headers = Map.of());
    for (Map.Entry<String, String> header : newHeaders.entrySet()) {
      copy = copy.header(header.getKey(), header.getValue());
    }
    return copy;
  }

  /** Goes under the dead letters if nobody took it for this long. */
  public Outgoing<T> timeToLive(Duration newTimeToLive) {
    if (newTimeToLive.toMillis() < 1 || newTimeToLive.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException(
          "timeToLive is " + newTimeToLive + "; use 1 millisecond to 36,500 days");
    }
    return with(copy -> copy.timeToLive = newTimeToLive);
  }

  private static void checkText(String what, String text) {
    Objects.requireNonNull(text, what);
    if (text.isEmpty() || text.length() > 500 || text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(
          what + " has " + text.length() + " characters; use 1 to 500, and no NUL");
    }
  }

  public T body() {
    return body;
  }

  public int priority() {
    return priority;
  }

  public Duration delay() {
    return delay;
  }

  public @Nullable Instant notBefore() {
    return notBefore;
  }

  public @Nullable String key() {
    return key;
  }

  public @Nullable String deduplicationKey() {
    return deduplicationKey;
  }

  public Map<String, String> headers() {
    return headers;
  }

  public @Nullable Duration timeToLive() {
    return timeToLive;
  }

  /** Without what is in it. */
  @Override
  public String toString() {
    return "Outgoing[priority "
        + priority
        + (notBefore == null ? ", delay " + delay : ", not before " + notBefore)
        + "]";
  }
}
