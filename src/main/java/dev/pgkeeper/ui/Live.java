package dev.pgkeeper.ui;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
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
  private int watchers;
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
      return watchers > 0;
    } finally {
      lock.unlock();
    }
  }

  void awaitWatchers() throws InterruptedException {
    lock.lock();
    try {
      while (watchers == 0) {
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Tells a watcher what is seen, until it goes or this is closed. */
  void stream(HttpExchange exchange) throws IOException, InterruptedException, Refused {
    enter();
    try {
      Replies.headers(exchange, "text/event-stream; charset=utf-8");
      exchange.sendResponseHeaders(200, 0);
      OutputStream out = exchange.getResponseBody();
      Map<String, String> told = new HashMap<>();
      for (String news = news(told); news != null; news = news(told)) {
        out.write(news.getBytes(StandardCharsets.UTF_8));
        out.flush();
      }
    } finally {
      leave();
    }
  }

  private void enter() throws Refused {
    lock.lock();
    try {
      if (watchers >= MOST_WATCHERS) {
        throw new Refused(503, "this page is open " + watchers + " times; close one of them");
      }
      if (watchers++ == 0) {
        latest.clear(); // what was seen before somebody watched is old
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void leave() {
    locked(() -> watchers--);
  }

  /** What this watcher was not told yet, or a beat; null when this is closed. */
  private @Nullable String news(Map<String, String> told) throws InterruptedException {
    lock.lock();
    try {
      long left = BEAT.toNanos();
      while (!closed && told.equals(latest) && left > 0) {
        left = changed.awaitNanos(left);
      }
      if (closed) {
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
