package dev.pgkeeper.queue;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The settings of a queue. Immutable; each {@code with…} returns a checked copy. What is given is
 * written to the database when the queue is first used, and holds for everybody who uses it; what
 * is not given stays as it is there.
 *
 * @param mostTries after this many tries a message goes to the dead letters; 10 if nobody has set
 *     it
 * @param backoff the pause before the second try, doubled for each further one; 1 second
 * @param longestBackoff the longest pause; 1 hour
 * @param deduplicationWindow how long a deduplication key counts; 5 minutes
 * @param mostBytes how large a message may be; 1 MiB
 * @param creation whether to make the queue if it is not there; if false, nothing is written
 */
public record QueueOptions(
    @Nullable Integer mostTries,
    @Nullable Duration backoff,
    @Nullable Duration longestBackoff,
    @Nullable Duration deduplicationWindow,
    @Nullable Integer mostBytes,
    boolean creation) {
  private static final int LARGEST = 256 * 1024 * 1024;
  private static final Duration LONGEST = Duration.ofDays(36_500);

  public QueueOptions {
    if (mostTries != null && mostTries < 1) {
      throw new IllegalArgumentException("mostTries is " + mostTries + "; use 1 or more");
    }
    notNegative("backoff", backoff);
    notNegative("longestBackoff", longestBackoff);
    notNegative("deduplicationWindow", deduplicationWindow);
    if (mostBytes != null && (mostBytes < 0 || mostBytes > LARGEST)) {
      throw new IllegalArgumentException("mostBytes is " + mostBytes + "; use 0 to " + LARGEST);
    }
  }

  private static void notNegative(String name, @Nullable Duration value) {
    if (value != null && (value.isNegative() || value.compareTo(LONGEST) > 0)) {
      throw new IllegalArgumentException(name + " is " + value + "; use 0 to 36,500 days");
    }
  }

  /**
   * Leaves the settings of a queue that is there as they are, and gives a new queue the defaults.
   */
  public static QueueOptions defaults() {
    return new QueueOptions(null, null, null, null, null, true);
  }

  public QueueOptions withMostTries(int tries) {
    return new QueueOptions(
        tries, backoff, longestBackoff, deduplicationWindow, mostBytes, creation);
  }

  public QueueOptions withBackoff(Duration first) {
    return new QueueOptions(
        mostTries, first, longestBackoff, deduplicationWindow, mostBytes, creation);
  }

  public QueueOptions withLongestBackoff(Duration longest) {
    return new QueueOptions(mostTries, backoff, longest, deduplicationWindow, mostBytes, creation);
  }

  public QueueOptions withDeduplicationWindow(Duration window) {
    return new QueueOptions(mostTries, backoff, longestBackoff, window, mostBytes, creation);
  }

  public QueueOptions withMostBytes(int bytes) {
    return new QueueOptions(
        mostTries, backoff, longestBackoff, deduplicationWindow, bytes, creation);
  }

  /**
   * Says whether a queue that is not there is created. If not, whoever uses it gets a {@code
   * NoQueue}.
   */
  public QueueOptions withCreation(boolean creates) {
    return new QueueOptions(
        mostTries, backoff, longestBackoff, deduplicationWindow, mostBytes, creates);
  }

  /** Whether anything is given that may differ from what is there. */
  public boolean changesSettings() {
    return mostTries != null
        || backoff != null
        || longestBackoff != null
        || deduplicationWindow != null
        || mostBytes != null;
  }
}
