package dev.pgkeeper.heard;

import static dev.pgkeeper.testing.Futures.onThread;
import static dev.pgkeeper.testing.Futures.soon;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.cache.NodeCache;
import dev.pgkeeper.line.Attendance;
import dev.pgkeeper.queue.ConsumeOptions;
import dev.pgkeeper.queue.MessageConsumer;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.scenario.Scenario;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.EventType;
import dev.pgkeeper.tree.Scope;
import dev.pgkeeper.tree.WatchMode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A role that may only connect rings a client with everything that is rung, changed at random,
 * while the client works. Nothing is swept, so what a forged ring had taken away would never come.
 * A longer run: {@code -Dpgkeeper.heard.seconds=600}.
 */
class HeardFuzzTest {
  private static final Duration LENGTH =
      Duration.ofSeconds(Long.getLong("pgkeeper.heard.seconds", 6));

  private static final Duration LONG = Duration.ofMinutes(10);
  private static final int STRANGERS = 2;

  /** What is kept varies a little with what is just going on. */
  private static final int VARIES = 300;

  private TestDatabase database;
  private Keeper keeper;
  private Keeper other;
  private final List<SessionState> states = new CopyOnWriteArrayList<>();
  private volatile boolean stopped;

  @BeforeEach
  void open() {
    database = TestDatabase.fresh();
    keeper = connect();
    other = connect();
    keeper.onStateChange(states::add);
  }

  private Keeper connect() {
    return Keeper.connect(
        database.newPool(8), database.keeperOptions().withTimeout(LONG).withGrace(LONG));
  }

  @AfterEach
  void close() {
    other.close();
    keeper.close();
    database.close();
  }

  /** Something that is done again and again, and checks itself. */
  private interface Turn {
    void take(int number) throws Exception;
  }

  private CompletableFuture<Integer> again(Turn turn) {
    return onThread(
        () -> {
          int turns = 0;
          while (!stopped) {
            turn.take(++turns);
          }
          return turns;
        });
  }

  @Test
  void everythingThatIsHeardMayBeForged() throws Exception {
    long seed = Scenario.seed("everythingThatIsHeardMayBeForged");
    plant();
    List<Keeper> both = List.of(keeper, other);
    Set<String> arrived = ConcurrentHashMap.newKeySet();
    AtomicInteger twice = new AtomicInteger();
    AtomicReference<String> told = new AtomicReference<>("");
    keeper
        .tree()
        .watch(
            "/value",
            WatchMode.PERSISTENT,
            event -> {
              if (event.type() == EventType.NODE_DATA_CHANGED) {
                told.set(new String(keeper.tree().get("/value").data(), UTF_8));
              }
            });
    MessageQueue<String> mails = keeper.queue("mails", Codec.text());
    keeper.queue("idle", Codec.text()).enqueue("nobody takes it");
    try (NodeCache cache = keeper.cache("/cached", Scope.SUBTREE);
        MessageConsumer consumer =
            mails.consume(
                ConsumeOptions.defaults(),
                message -> {
                  if (!arrived.add(message.body())) {
                    twice.incrementAndGet();
                  }
                })) {
      cache.initialised().get();
      long before = Kept.by(keeper);
      long backend = SessionLog.backendOf(database, keeper.session().id());
      AtomicInteger inside = new AtomicInteger();
      List<CompletableFuture<Integer>> working = new ArrayList<>();
      for (Keeper each : both) {
        working.add(again(turn -> lock(each, inside)));
      }
      working.add(again(turn -> watch(turn, told)));
      working.add(again(turn -> follow(turn, cache)));
      working.add(again(turn -> send(turn, arrived)));
      working.add(again(turn -> meet()));
      List<CompletableFuture<Integer>> forging = new ArrayList<>();
      for (int i = 0; i < STRANGERS; i++) {
        long own = seed + i;
        String name = "stranger" + i;
        forging.add(onThread(() -> forge(name, own)));
      }
      Await.pause(LENGTH);
      Instant late = Instant.now();
      Await.until(
          "the heartbeat goes on",
          () -> keeper.health(Duration.ofSeconds(1)).lastContact().isAfter(late));
      stopped = true;
      for (CompletableFuture<Integer> each : working) {
        assertThat(soon(each)).isPositive();
      }
      for (CompletableFuture<Integer> each : forging) {
        assertThat(soon(each)).isPositive();
      }
      assertThat(twice).as("messages that arrived twice").hasValue(0);
      keeper.tree().sync();
      Await.until(
          () ->
              "it keeps "
                  + Kept.by(keeper)
                  + " things, not "
                  + before
                  + " or a few more: "
                  + Kept.where(keeper),
          () -> {
            // What was left more than ten seconds ago is forgotten by whoever leaves next.
            keeper.lock("/lock").tryAcquire().orElseThrow().release();
            return Kept.by(keeper) < before + VARIES;
          });
      assertThat(SessionLog.backendOf(database, keeper.session().id())).isEqualTo(backend);
      assertThat(states).isEmpty();
    }
  }

  private void plant() {
    other.tree().create("/value", new byte[0], CreateMode.PERSISTENT);
    other.tree().create("/cached", new byte[0], CreateMode.PERSISTENT);
    for (int i = 0; i < 3; i++) {
      other.tree().create("/cached/" + i, new byte[0], CreateMode.PERSISTENT);
    }
  }

  /** Returns how many rings it made. */
  private int forge(String name, long seed) throws Exception {
    Forger forger = new Forger(seed);
    int made = 0;
    try (Stranger stranger = new Stranger(database, name)) {
      stranger.listen(keeper);
      while (!stopped) {
        List<String> some = forger.some();
        stranger.ring(keeper, some);
        made += some.size();
        stranger.heard().forEach(forger::learn);
      }
    }
    return made;
  }

  /** One at a time, and each has its turn, which only a ring says. */
  private static void lock(Keeper each, AtomicInteger inside) throws Exception {
    try (Held held = each.lock("/lock").acquire(Await.LIMIT)) {
      assertThat(inside.incrementAndGet()).as("holders").isEqualTo(1);
      assertThat(held.isHeld()).isTrue();
      inside.decrementAndGet();
    }
  }

  /** After a sync its watcher has been told. */
  private void watch(int turn, AtomicReference<String> told) {
    String value = Integer.toString(turn);
    other.tree().set("/value", value.getBytes(UTF_8));
    keeper.tree().sync();
    assertThat(told).hasValue(value);
  }

  private void follow(int turn, NodeCache cache) {
    String value = Integer.toString(turn);
    String path = "/cached/" + turn % 3;
    other.tree().set(path, value.getBytes(UTF_8));
    Await.until(
        path + " is followed",
        () -> cache.get(path).map(node -> new String(node.data(), UTF_8)).orElse("").equals(value));
  }

  /** The consumer sleeps until it is rung. */
  private void send(int turn, Set<String> arrived) {
    other.queue("mails", Codec.text()).enqueue("mail " + turn);
    Await.until("mail " + turn + " arrives", () -> arrived.contains("mail " + turn));
  }

  /** Nobody has left before all leave. */
  private void meet() throws Exception {
    Attendance here = keeper.meeting("/meeting", 2).come();
    Attendance there = other.meeting("/meeting", 2).come();
    assertThat(here.awaitBeginning(Await.LIMIT)).isTrue();
    assertThat(there.awaitBeginning(Await.LIMIT)).isTrue();
    CompletableFuture<Boolean> left = onThread(() -> here.leave(Await.LIMIT));
    Await.until(
        "it waits for the other one",
        () -> database.queryLong("SELECT has_left FROM ${schema}.double_barriers") == 1);
    keeper.tree().sync();
    assertThat(left).as("the other one is inside").isNotDone();
    there.leaveAlone();
    assertThat(soon(left)).isTrue();
  }
}
