package dev.pgkeeper.internal.session;

import java.security.SecureRandom;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

/**
 * Those who wait until what was rung before them has been heard: each rings for itself, and hears
 * its own ring. What it rings with cannot be guessed: everybody else in the database can ring too,
 * and would end the wait before its time.
 */
final class Syncs {
  private static final String PREFIX = "sync:";
  private static final int RANDOM_BYTES = 16;

  private final SecureRandom random = new SecureRandom();

  /** By what is rung. */
  private final Map<String, CountDownLatch> waiting = new ConcurrentHashMap<>();

  /** One who waits. */
  record Sync(String payload, CountDownLatch heard) {}

  Sync begin() {
    byte[] bytes = new byte[RANDOM_BYTES];
    random.nextBytes(bytes);
    Sync sync = new Sync(PREFIX + HexFormat.of().formatHex(bytes), new CountDownLatch(1));
    waiting.put(sync.payload, sync.heard);
    return sync;
  }

  void end(Sync sync) {
    waiting.remove(sync.payload);
  }

  /** Whether somebody here waits for this ring. */
  boolean isAwaited(String payload) {
    return waiting.containsKey(payload);
  }

  /** Everybody who waits now. */
  List<String> current() {
    return List.copyOf(waiting.keySet());
  }

  void heard(Collection<String> payloads) {
    for (String payload : payloads) {
      CountDownLatch one = waiting.remove(payload);
      if (one != null) {
        one.countDown();
      }
    }
  }
}
