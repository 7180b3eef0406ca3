package dev.pgkeeper.internal.session;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Those who wait until what was rung before them has been heard: each rings for itself, and hears
 * its own ring.
 */
final class Syncs {
  private static final String PREFIX = "sync:";

  private final Map<Long, CountDownLatch> waiting = new ConcurrentHashMap<>();
  private final AtomicLong numbers = new AtomicLong();

  /** One who waits. */
  record Sync(long number, CountDownLatch heard) {
    String payload() {
      return PREFIX + number;
    }
  }

  Sync begin() {
    Sync sync = new Sync(numbers.incrementAndGet(), new CountDownLatch(1));
    waiting.put(sync.number, sync.heard);
    return sync;
  }

  void end(Sync sync) {
    waiting.remove(sync.number);
  }

  /** The number in a ring's payload; null if the ring is for a path. */
  static @Nullable Long numberIn(String payload) {
    return payload.startsWith(PREFIX) ? Long.valueOf(payload.substring(PREFIX.length())) : null;
  }

  /** Everybody who waits now. */
  List<Long> current() {
    return new ArrayList<>(waiting.keySet());
  }

  void heard(Collection<Long> numbersHeard) {
    for (Long number : numbersHeard) {
      CountDownLatch one = waiting.remove(number);
      if (one != null) {
        one.countDown();
      }
    }
  }
}
