package dev.pgkeeper.ui;

import com.sun.net.httpserver.HttpExchange;
import dev.pgkeeper.ui.Turns.State;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What was last seen, and who watches it. Each watcher is told what it does not know yet, the
 * newest of it only: one that is slow misses what was between, and holds up nobody.
 */
final class Live implements AutoCloseable {
  /** The part that tells when the last look was, by the database's clock. */
  static final String LOOKED = "looked";

  /** The part that tells that the database cannot be asked. */
  private static final String LOST = "lost";

  private static final int MOST_WATCHERS = 16;

  /** So often a watcher that is told nothing is written to, to see whether it is still there. */
  private static final Duration BEAT = Duration.ofSeconds(5);

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Map<String, String> latest = new LinkedHashMap<>();
  private final Set<Watcher> watchers = new LinkedHashSet<>();
  private boolean lookWanted;
  private boolean closed;

  /**
   * A look succeeded.
   *
   * @param longestPause after which the next one follows at the latest
   */
  void saw(Map<String, String> sections, Duration longestPause) {
    locked(
        () -> {
          latest.remove(LOST);
          latest.putAll(sections);
          String at = sections.get(LOOKED);
          latest.put(LOOKED, "{\"at\":" + at + ",\"next\":" + longestPause.toMillis() + "}");
        });
  }

  /** A look failed. What was seen before stays, with its time. */
  void lost(String why) {
    locked(() -> latest.put(LOST, "{\"why\":" + JsonText.quoted(why) + "}"));
  }

  /** Something was changed through the page: the next look is not to wait. */
  void wantLook() {
    locked(() -> lookWanted = true);
  }

  boolean isLookWanted() {
    lock.lock();
    try {
      return lookWanted;
    } finally {
      lock.unlock();
    }
  }

  /** What is wanted from now on is another look. */
  void lookBegins() {
    locked(() -> lookWanted = false);
  }

  boolean isWatched() {
    lock.lock();
    try {
      return !watchers.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  void awaitWatchers() throws InterruptedException {
    lock.lock();
    try {
      while (watchers.isEmpty()) {
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Tells a watcher what is seen, until it goes or this is closed. */
  void stream(HttpExchange exchange) throws IOException, InterruptedException {
    Watcher watcher = enter();
    try {
      Replies.headers(exchange, "text/event-stream; charset=utf-8");
      Turns.go(State.WRITES);
      exchange.sendResponseHeaders(200, 0);
      OutputStream out = exchange.getResponseBody();
      Turns.go(State.WORKS);
      for (String news = news(watcher); news != null; news = news(watcher)) {
        Turns.go(State.WRITES);
        out.write(news.getBytes(StandardCharsets.UTF_8));
        out.flush();
        Turns.go(State.WORKS);
      }
    } finally {
      locked(() -> watchers.remove(watcher));
    }
  }

  /** One stream, and what was told there. */
  private static final class Watcher {
    final Map<String, String> told = new HashMap<>();
  }

  /** There are only so many: the eldest goes, since nobody knows who still looks. */
  private Watcher enter() {
    Watcher watcher = new Watcher();
    locked(
        () -> {
          if (watchers.isEmpty()) {
            latest.clear(); // what was seen before somebody watched is old
          } else if (watchers.size() >= MOST_WATCHERS) {
            watchers.remove(watchers.iterator().next());
          }
          watchers.add(watcher);
        });
    return watcher;
  }

  /** What this watcher was not told yet, or a beat; null when it is to go. */
  private @Nullable String news(Watcher watcher) throws InterruptedException {
    Map<String, String> told = watcher.told;
    lock.lock();
    try {
      long left = BEAT.toNanos();
      while (isThere(watcher) && told.equals(latest) && left > 0) {
        left = changed.awaitNanos(left);
      }
      if (!isThere(watcher)) {
        return null;
      }
      StringBuilder news = new StringBuilder();
      latest.forEach(
          (name, json) -> {
            if (!json.equals(told.put(name, json))) {
              // a line break of JSON is between its parts: within a text it would be escaped
              String line = JsonText.harmless(json.replace('\n', ' '));
              news.append("event: ").append(name).append("\ndata: ").append(line).append("\n\n");
            }
          });
      told.keySet().retainAll(latest.keySet());
      return news.isEmpty() ? ": beat\n\n" : news.toString();
    } finally {
      lock.unlock();
    }
  }

  private boolean isThere(Watcher watcher) {
    return !closed && watchers.contains(watcher);
  }

  private void locked(Runnable change) {
    lock.lock();
    try {
      change.run();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Lets go of all watchers. */
  @Override
  public void close() {
    locked(() -> closed = true);
  }
}
