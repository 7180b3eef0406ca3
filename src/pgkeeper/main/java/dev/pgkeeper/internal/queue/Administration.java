package dev.pgkeeper.internal.queue;

import java.time.Duration;
import java.util.Locale;
import java.util.function.Supplier;
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

  /**
   * The server does so many messages at once, or more, before it leaves the rest for the next call.
   */
  private static final int MANY = 500;

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

  /** Has it done once. Returns how many messages it was, or 1 if something changed. */
  long carryOut(QueueSession session) {
    return session
        .database()
        .request(
            session.calls().requestAdministerSql(),
            (statement, first) -> QueueCalls.bind(statement, first, this),
            (connection, schema, outcomes) -> {})
        .get(0)
        .number();
  }

  /** Has it done to some messages at a time, for as long as there are many. */
  static long carryOutAll(QueueSession session, Supplier<Administration> some) {
    long all = 0;
    long more;
    do {
      more = some.get().carryOut(session);
      all += more;
    } while (more >= MANY);
    return all;
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
