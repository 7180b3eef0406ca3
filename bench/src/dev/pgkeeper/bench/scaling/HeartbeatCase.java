package dev.pgkeeper.bench.scaling;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Codec;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.bench.tree.BulkLoad;
import dev.pgkeeper.lock.Semaphore;
import dev.pgkeeper.queue.ConsumeOptions;
import dev.pgkeeper.tree.WatchMode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/**
 * One process that has as much as one can have at once, while another one changes some of it:
 * whether its session is in jeopardy at any moment, and for how long its heart does not beat.
 */
final class HeartbeatCase implements Case {
  private static final int POOL_SIZE = 16;
  private static final int PARENTS = 300;
  private static final Duration WINDOW = Duration.ofMinutes(2);
  private static final Duration WINDOW_QUICK = Duration.ofSeconds(20);
  private static final Duration BETWEEN_LOOKS = Duration.ofMillis(5);
  private static final Duration BETWEEN_CHANGES = Duration.ofMillis(20);

  /** Asking for health begins a round trip. */
  private static final int LOOKS_AT_HEALTH = 20;

  private static final String WATCHED = "/watched";

  /** What the process has. */
  private record Load(int nodes, int locks, int waiters, int queues) {
    @Override
    public String toString() {
      return nodes
          + " watched nodes, "
          + locks
          + " held locks, "
          + waiters
          + " waiters at a semaphore, "
          + queues
          + " queues";
    }
  }

  @Override
  public String name() {
    return "scaling.heartbeat";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    Load load =
        lab.isQuick() ? new Load(30_000, 1000, 250, 100) : new Load(300_000, 10_000, 2500, 1000);
    String url = Postgres.of(lab, report).createMigrated("scaling_heartbeat");
    try (HikariDataSource pool = Postgres.pool(url, POOL_SIZE);
        HikariDataSource othersPool = Postgres.pool(url, 2);
        Keeper other = Keeper.connect(othersPool)) {
      other.tree().create(WATCHED, new byte[0]);
      BulkLoad.grandchildren(url, WATCHED, PARENTS, load.nodes() / PARENTS);
      Held permit = other.semaphore("/semaphore", 1).acquire();
      AtomicLong jeopardies = new AtomicLong();
      AtomicLong events = new AtomicLong();
      try (Keeper keeper = Keeper.connect(pool)) {
        keeper.onStateChange(state -> jeopardies.addAndGet(state == SessionState.JEOPARDY ? 1 : 0));
        Pulse pulse = new Pulse(keeper);
        pulse.start();
        take(keeper, load, events);
        Thread.sleep(Duration.ofSeconds(10).toMillis());
        Duration window = lab.isQuick() ? WINDOW_QUICK : WINDOW;
        long end = System.nanoTime() + window.toNanos();
        List<Held> handed = new ArrayList<>(List.of(permit));
        while (System.nanoTime() < end) {
          change(other, load, handed);
          Thread.sleep(BETWEEN_CHANGES.toMillis());
        }
        pulse.end();
        tell(report, load.toString(), pulse, jeopardies.get(), events.get());
      }
    }
  }

  private static void take(Keeper keeper, Load load, AtomicLong events) {
    keeper.tree().watch(WATCHED, WatchMode.PERSISTENT_RECURSIVE, event -> events.incrementAndGet());
    IntStream.range(0, load.locks())
        .parallel()
        .forEach(i -> keeper.lock("/locks/" + i).tryAcquire().orElseThrow());
    Semaphore semaphore = keeper.semaphore("/semaphore", 1);
    IntStream.range(0, load.waiters())
        .forEach(
            i -> {
              CompletableFuture<Held> waiting = semaphore.acquireAsync(1);
              waiting.thenAccept(Held::release);
            });
    IntStream.range(0, load.queues())
        .forEach(
            i -> keeper.queue("q" + i, Codec.text()).consume(ConsumeOptions.defaults(), m -> {}));
  }

  /**
   * What another process does: it sets a node and sends a message. About once a second it takes the
   * permit, or gives it back.
   */
  private static void change(Keeper other, Load load, List<Held> handed) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    int parent = random.nextInt(PARENTS);
    int child = random.nextInt(load.nodes() / PARENTS);
    other
        .tree()
        .set(
            WATCHED + "/" + parent + "/" + child,
            Instant.now().toString().getBytes(StandardCharsets.UTF_8));
    other.queue("q" + random.nextInt(load.queues()), Codec.text()).enqueue("x");
    if (random.nextInt(50) == 0) {
      if (handed.isEmpty()) {
        other.semaphore("/semaphore", 1).tryAcquire().ifPresent(handed::add);
      } else {
        handed.remove(0).release();
      }
    }
  }

  private void tell(Report report, String subject, Pulse pulse, long jeopardies, long events) {
    Target none = Target.atMost(0);
    report.counted(name() + ".jeopardy", subject, "times", jeopardies, none);
    report.counted(name() + ".unheld", subject, "looks of " + pulse.looks, pulse.unheld, none);
    report.counted(name() + ".silence", subject, "ms at most", pulse.longestMs, null);
    report.counted(name() + ".events", subject, "events", events, null);
  }

  /** Looks whether the session is believed in, and how long ago its heart has beaten. */
  private static final class Pulse extends Thread {
    private final Keeper keeper;
    private volatile boolean ended;
    private long looks;
    private long unheld;
    private long longestMs;

    Pulse(Keeper keeper) {
      super("pulse");
      this.keeper = keeper;
    }

    @Override
    public void run() {
      try {
        while (!ended) {
          looks++;
          unheld += keeper.session().isHeld() ? 0 : 1;
          if (looks % LOOKS_AT_HEALTH == 0) {
            Instant beat = keeper.health(Duration.ZERO).lastContact();
            longestMs = Math.max(longestMs, Duration.between(beat, Instant.now()).toMillis());
          }
          Thread.sleep(BETWEEN_LOOKS.toMillis());
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    void end() throws InterruptedException {
      ended = true;
      join();
    }
  }
}
