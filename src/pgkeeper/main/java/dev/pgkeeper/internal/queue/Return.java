package dev.pgkeeper.internal.queue;

import dev.pgkeeper.queue.Bury;
import dev.pgkeeper.queue.RetryLater;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A message that is to be given back.
 *
 * @param delayMs null: the queue's backoff
 */
record Return(Claimed claimed, How how, @Nullable Long delayMs, @Nullable String error) {
  private static final int LONGEST_ERROR = 2000;

  /** As request_return names them. */
  enum How {
    RETRY,
    RELEASE,
    DEAD;

    String sql() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  static Return retry(Claimed claimed, @Nullable Duration delay, @Nullable String error) {
    return new Return(claimed, How.RETRY, delay == null ? null : delay.toMillis(), shorten(error));
  }

  static Return release(Claimed claimed) {
    return new Return(claimed, How.RELEASE, null, null);
  }

  static Return dead(Claimed claimed, String error) {
    return new Return(claimed, How.DEAD, null, shorten(error));
  }

  /** What becomes of a message whose handler threw this. */
  static Return after(Claimed claimed, Throwable thrown) {
    if (thrown instanceof RetryLater later) {
      return retry(claimed, later.delay(), later.getMessage());
    } else if (thrown instanceof Bury bury) {
      return dead(claimed, String.valueOf(bury.getMessage()));
    }
    return retry(claimed, null, text(thrown));
  }

  /** It was given back. */
  void count() {
    QueueCounter counter = claimed.queue().counter;
    if (how == How.DEAD) {
      counter.died(1);
    } else {
      counter.returned(1);
    }
  }

  static String text(Throwable error) {
    String message = error.getMessage();
    return error.getClass().getName() + (message == null ? "" : ": " + message);
  }

  private static @Nullable String shorten(@Nullable String text) {
    if (text == null) {
      return null;
    }
    String clean = text.replace("\0", "");
    return clean.length() <= LONGEST_ERROR ? clean : clean.substring(0, LONGEST_ERROR) + "…";
  }
}
