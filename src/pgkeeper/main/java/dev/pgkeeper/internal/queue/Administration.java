package dev.pgkeeper.internal.queue;

import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Something that is to be done to a queue as a whole.
 *
 * @param queue its name; of a topic, to unsubscribe
 * @param ids of the dead letters; null: all
 * @param older only dead letters that died longer ago than this; null: all
 */
record Administration(
    What what,
    String queue,
    long @Nullable [] ids,
    @Nullable Duration older,
    @Nullable String subscription) {

  /** As request_administer names them. */
  enum What {
    PURGE,
    REDRIVE,
    DISCARD,
    PAUSE,
    RESUME,
    UNSUBSCRIBE;

    String sql() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  static Administration of(What what, String queue) {
    return new Administration(what, queue, null, null, null);
  }

  static Administration ofDeadLetters(
      What what, String queue, long @Nullable [] ids, Duration older) {
    return new Administration(what, queue, ids, older, null);
  }

  static Administration unsubscribe(String topic, String subscription) {
    return new Administration(What.UNSUBSCRIBE, topic, null, null, subscription);
  }
}
