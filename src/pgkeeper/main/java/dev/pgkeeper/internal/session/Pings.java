package dev.pgkeeper.internal.session;

import dev.pgkeeper.internal.jdbc.Database;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Round trips that nobody waits for longer than they like. One at a time, on a thread of its own:
 * while the database hangs, those who ask wait for the same one, and neither threads nor
 * connections pile up.
 */
final class Pings {
  private static final Logger log = LoggerFactory.getLogger(Pings.class);

  private final Database database;
  private final SessionCalls calls;
  private final AtomicReference<@Nullable CompletableFuture<Duration>> underWay =
      new AtomicReference<>();

  Pings(Database database, SessionCalls calls) {
    this.database = database;
    this.calls = calls;
  }

  /** How long one took, a connection borrowed for it included; empty if none came back in time. */
  Optional<Duration> within(Duration patience) {
    try {
      return Optional.of(current().get(patience.toNanos(), TimeUnit.NANOSECONDS));
    } catch (TimeoutException e) {
      return Optional.empty();
    } catch (ExecutionException e) {
      log.debug("a ping failed", e.getCause());
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  private CompletableFuture<Duration> current() {
    CompletableFuture<Duration> fresh = new CompletableFuture<>();
    CompletableFuture<Duration> before = underWay.compareAndExchange(null, fresh);
    if (before != null) {
      return before;
    }
    Thread thread = new Thread(() -> ping(fresh), "pgkeeper-ping");
    thread.setDaemon(true);
    thread.start();
    return fresh;
  }

  private void ping(CompletableFuture<Duration> answer) {
    long began = System.nanoTime();
    try {
      database.readOnce(calls.echo());
      Duration took = Duration.ofNanos(System.nanoTime() - began);
      underWay.set(null); // first: who has this answer and asks again gets another one
      answer.complete(took);
    } catch (RuntimeException | Error e) {
      underWay.set(null);
      answer.completeExceptionally(e);
    }
  }
}
