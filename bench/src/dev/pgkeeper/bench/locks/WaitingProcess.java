package dev.pgkeeper.bench.locks;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.ThreadCensus;
import dev.pgkeeper.bench.server.WatchedServer;
import dev.pgkeeper.lock.Mutex;
import dev.pgkeeper.testing.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A client that holds very many locks or waits for them, and a server that serves nobody else
 * besides the one who holds what is waited for.
 */
final class WaitingProcess implements AutoCloseable {
  /** So many are asked for at a time. */
  private static final int WAVE = 500;

  private static final Duration LIMIT = Duration.ofMinutes(2);

  private final String name;
  private final WatchedServer server;
  private final ThreadCensus census;
  private final PgkeeperLocks client;
  private @Nullable PgkeeperLocks other;
  private final List<CompletableFuture<Held>> waiting = new ArrayList<>();

  private int threads;

  /** Starts a server and a client that does nothing yet. */
  WaitingProcess(String name) throws Exception {
    this.name = name;
    server = new WatchedServer();
    census = new ThreadCensus(name);
    Keeper.migrate(server.othersPool());
    client = census.during(() -> PgkeeperLocks.connect(server.clientPool()));
  }

  /** The client holds as many locks. */
  void hold(int count) throws Exception {
    census.during(() -> acquire(client, count));
  }

  /** The client waits for as many locks, which somebody else holds. */
  void await(int count) throws Exception {
    PgkeeperLocks holder = PgkeeperLocks.connect(server.othersPool());
    other = holder;
    acquire(holder, count);
    census.during(
        () -> {
          for (int i = 0; i < count; i++) {
            waiting.add(client.acquireAsync("held-" + i));
          }
          return waiting;
        });
    for (int i = 0; i < count; i++) {
      Mutex mutex = holder.mutex("held-" + i);
      Await.until(LIMIT, mutex + " is waited for", () -> mutex.waiters().size() == 1);
    }
  }

  private static PgkeeperLocks acquire(PgkeeperLocks owner, int count) throws Exception {
    for (int from = 0; from < count; from += WAVE) {
      List<CompletableFuture<Held>> wave = new ArrayList<>();
      for (int i = from; i < Math.min(count, from + WAVE); i++) {
        wave.add(owner.acquireAsync("held-" + i));
      }
      for (CompletableFuture<Held> each : wave) {
        each.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
      }
    }
    return owner;
  }

  /** Until now it counted. */
  void end() {
    server.end();
    threads = census.count();
  }

  /** Those who waited have waited until now, and get what they waited for. */
  void check() throws Exception {
    if (waiting.stream().anyMatch(CompletableFuture::isDone)) {
      throw new IllegalStateException("Somebody did not wait");
    }
    closeOther();
    for (CompletableFuture<Held> each : waiting) {
      each.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
    }
  }

  String name() {
    return name;
  }

  /** What it costs. */
  WatchedServer server() {
    return server;
  }

  /** How many threads the client had at the end. */
  int threads() {
    return threads;
  }

  private void closeOther() {
    PgkeeperLocks holder = other;
    if (holder != null) {
      holder.close();
    }
  }

  @Override
  public void close() {
    client.close();
    closeOther();
    server.close();
  }
}
