package dev.pgkeeper.bench.locks;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.server.WatchedServer;
import dev.pgkeeper.recipes.Mutex;
import dev.pgkeeper.testing.Await;
import java.lang.management.ManagementFactory;
import java.sql.SQLException;
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

  /** A keeper's threads end when they have had nothing to do for five seconds. */
  private static final Duration UNTIL_SETTLED = Duration.ofSeconds(7);

  private static final Duration LIMIT = Duration.ofMinutes(2);

  private final String name;
  private final WatchedServer server;
  private final PgkeeperLocks client;
  private @Nullable PgkeeperLocks other;
  private final List<CompletableFuture<Held>> waiting = new ArrayList<>();

  private int threads;

  /** Starts a server and a client that does nothing yet. */
  WaitingProcess(String name) throws SQLException {
    this.name = name;
    server = new WatchedServer();
    Keeper.migrate(server.othersPool());
    client = PgkeeperLocks.connect(server.clientPool());
  }

  /** The client holds as many locks. */
  void hold(int count) throws Exception {
    int before = settledThreads();
    acquire(client, count);
    threads = settledThreads() - before;
  }

  /** The client waits for as many locks, which somebody else holds. */
  void await(int count) throws Exception {
    PgkeeperLocks holder = PgkeeperLocks.connect(server.othersPool());
    other = holder;
    acquire(holder, count);
    int before = settledThreads();
    for (int i = 0; i < count; i++) {
      waiting.add(client.acquireAsync("held-" + i));
    }
    for (int i = 0; i < count; i++) {
      Mutex mutex = holder.mutex("held-" + i);
      Await.until(LIMIT, mutex + " is waited for", () -> mutex.waiters().size() == 1);
    }
    threads = settledThreads() - before;
  }

  private static void acquire(PgkeeperLocks owner, int count) throws Exception {
    for (int from = 0; from < count; from += WAVE) {
      List<CompletableFuture<Held>> wave = new ArrayList<>();
      for (int i = from; i < Math.min(count, from + WAVE); i++) {
        wave.add(owner.acquireAsync("held-" + i));
      }
      for (CompletableFuture<Held> each : wave) {
        each.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
      }
    }
  }

  /** What acquiring has left behind is not what holding and waiting needs. */
  private int settledThreads() throws InterruptedException {
    server.evict();
    Thread.sleep(UNTIL_SETTLED.toMillis());
    return ManagementFactory.getThreadMXBean().getThreadCount();
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

  /** How many more threads this process has than before. */
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
