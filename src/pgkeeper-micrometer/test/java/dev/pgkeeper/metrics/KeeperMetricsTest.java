package dev.pgkeeper.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Futures;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.WatchMode;
import dev.pgkeeper.tree.WatchedEvent;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.search.Search;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** What a keeper does, as Micrometer has it. */
class KeeperMetricsTest {
  private static final byte[] DATA = {1};

  private static TestDatabase database;

  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

  @BeforeAll
  static void open() {
    database = TestDatabase.fresh();
    SessionLog.of(database).putEpochBack();
  }

  @AfterAll
  static void close() {
    database.close();
  }

  private Keeper measured() {
    Keeper keeper = database.keeper();
    new KeeperMetrics(keeper).bindTo(registry);
    return keeper;
  }

  private Search of(String name, String... tags) {
    return registry.find(name).tags(tags);
  }

  private long timed(String name, String... tags) {
    var timer = of(name, tags).timer();
    return timer == null ? 0 : timer.count();
  }

  private double counted(String name, String... tags) {
    var counter = of(name, tags).counter();
    return counter == null ? 0 : counter.count();
  }

  private double gauge(String name, String... tags) {
    return of(name, tags).gauge().value();
  }

  private void awaitCounted(double least, String name, String... tags) {
    Await.until(
        () -> name + " is " + counted(name, tags) + ", not " + least,
        () -> counted(name, tags) >= least);
  }

  /** How many operations of each kind were answered. */
  private Map<String, Long> operations(String outcome) {
    return of("pgkeeper.operations", "outcome", outcome).timers().stream()
        .collect(Collectors.toMap(timer -> timer.getId().getTag("kind"), timer -> timer.count()));
  }

  @Test
  void eachOperationIsTimedOnceUnderItsKind() throws Exception {
    try (Keeper keeper = measured()) {
      keeper.tree().create(NewNode.at("/kinds/a").withParents());
      keeper.tree().create("/kinds/b", DATA);
      keeper.tree().get("/kinds/b");
      keeper.tree().exists("/kinds/none");
      keeper.tree().children("/kinds", event -> {});
      keeper.tree().set("/kinds/b", DATA);
      keeper.tree().create("/kinds/n", "5".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
      keeper.tree().add("/kinds/n", 3);
      keeper.tree().multi(Op.set("/kinds/b", DATA), Op.delete("/kinds/a"));
      keeper.tree().delete("/kinds/b");
      keeper.tree().deleteRecursive("/kinds/n");
      keeper.lock("/kinds/lock").acquire().release();
      keeper.fencedStore("kinds").write("key", 1, DATA);
      keeper.fencedStore("kinds").read("key");
      database.execute("SELECT ${schema}.queue_create('kinds')");
      MessageQueue<String> queue = keeper.queue("kinds", Codec.text());
      queue.enqueue("a");
      queue.enqueue(List.of(dev.pgkeeper.queue.Outgoing.of("b")));
      queue.take().orElseThrow().ack();
      queue.take().orElseThrow().release();
      keeper.topic("kinds-topic", Codec.text()).publish("c");
      keeper.jobs().once("kinds", "1", connection -> {});
      assertThatThrownBy(
              () ->
                  keeper
                      .jobs()
                      .once(
                          "kinds",
                          "2",
                          connection -> {
                            throw new IllegalStateException("as it should");
                          }))
          .isInstanceOf(IllegalStateException.class);

      assertThat(operations("ok"))
          .containsExactlyInAnyOrderEntriesOf(
              Map.ofEntries(
                  Map.entry("create", 3L),
                  Map.entry("read", 3L),
                  Map.entry("set", 1L),
                  Map.entry("add", 1L),
                  Map.entry("multi", 1L),
                  Map.entry("delete", 2L),
                  Map.entry("join", 1L),
                  Map.entry("leave", 1L),
                  Map.entry("store_write", 1L),
                  Map.entry("store_read", 1L),
                  Map.entry("enqueue", 2L),
                  Map.entry("take", 2L),
                  Map.entry("ack", 1L),
                  Map.entry("return", 1L),
                  Map.entry("publish", 1L),
                  Map.entry("run_begin", 2L),
                  Map.entry("run_end", 1L)));
      assertThat(operations("failed")).isEmpty();
      assertThat(of("pgkeeper.operations", "kind", "join").timer().totalTime(TimeUnit.NANOSECONDS))
          .isPositive();
    }
  }

  @Test
  void aRefusalIsAnAnswerAndAnAbsentDatabaseIsNone() {
    try (TcpProxy proxy = TcpProxy.before(database.jdbcUrl())) {
      PGSimpleDataSource source = new PGSimpleDataSource();
      source.setUrl(proxy.through(database.jdbcUrl()));
      try (Keeper keeper =
          Keeper.connect(
              source, database.keeperOptions().withOperationTimeout(Duration.ofSeconds(10)))) {
        new KeeperMetrics(keeper).bindTo(registry);
        assertThatThrownBy(() -> keeper.tree().get("/absent"))
            .isInstanceOf(KeeperException.NoNode.class);
        proxy.cut();
        var read = Futures.onThread(() -> keeper.tree().get("/absent"));
        var set = Futures.onThread(() -> keeper.tree().set("/absent", DATA));
        assertThatThrownBy(() -> Futures.soon(read)).isInstanceOf(KeeperException.class);
        assertThatThrownBy(() -> Futures.soon(set)).isInstanceOf(KeeperException.class);
        assertThat(operations("ok")).isEqualTo(Map.of("read", 1L));
        assertThat(operations("failed")).isEqualTo(Map.of("read", 1L, "set", 1L));
      }
    }
  }

  @Test
  void waitsAreCountedWhileTheyLastAndTimedByTheirEnds() throws Exception {
    try (Keeper keeper = measured()) {
      Held first = keeper.lock("/waits").acquire();
      assertThat(keeper.lock("/waits").tryAcquire()).as("who does not wait").isEmpty();
      assertThat(gauge("pgkeeper.waiting")).isZero();

      var granted = keeper.lock("/waits").acquireAsync();
      Await.until("one that waits", () -> gauge("pgkeeper.waiting") == 1);
      first.release();
      Held second = Futures.soon(granted);
      assertThat(gauge("pgkeeper.waiting")).isZero();
      assertThat(timed("pgkeeper.waits", "recipe", "mutex", "end", "granted")).isEqualTo(1);

      assertThat(keeper.lock("/waits").tryAcquire(Duration.ofMillis(20))).isEmpty();
      assertThat(timed("pgkeeper.waits", "recipe", "mutex", "end", "given_up")).isEqualTo(1);

      var lost = keeper.lock("/waits").acquireAsync();
      Await.until("one that waits", () -> gauge("pgkeeper.waiting") == 1);
      database.execute("SELECT ${schema}.session_end(" + keeper.session().id() + ")");
      assertThatThrownBy(() -> Futures.soon(lost)).isInstanceOf(Exception.class);
      Await.until(
          "the end of the wait is told",
          () -> timed("pgkeeper.waits", "recipe", "mutex", "end", "lost") == 1);
      assertThat(gauge("pgkeeper.waiting")).isZero();

      assertThat(counted("pgkeeper.grants", "recipe", "mutex")).isEqualTo(2);
      assertThat(counted("pgkeeper.session.losses")).isEqualTo(1);
      awaitCounted(1, "pgkeeper.holds.lost");
      assertThat(counted("pgkeeper.holds.lost")).as("the second alone").isEqualTo(1);
      assertThat(second.isHeld()).isFalse();
    }
  }

  @Test
  void whatIsReleasedOrClosedIsNotLost() throws Exception {
    try (Keeper keeper = measured()) {
      keeper.lock("/not-lost/a").acquire().release();
      keeper.semaphore("/not-lost/b", 2).acquire();
    }
    assertThat(counted("pgkeeper.grants", "recipe", "mutex")).isEqualTo(1);
    assertThat(counted("pgkeeper.grants", "recipe", "semaphore")).isEqualTo(1);
    assertThat(counted("pgkeeper.holds.lost")).isZero();
    assertThat(counted("pgkeeper.session.losses")).isZero();
  }

  @Test
  void aRunThatOutlivesItsLimitIsALostHold() {
    try (Keeper keeper = measured()) {
      keeper
          .jobs()
          .onceOutside(
              "slow",
              "1",
              dev.pgkeeper.job.Again.NEVER,
              Duration.ofMillis(50),
              run -> awaitCounted(1, "pgkeeper.holds.lost"));
    } catch (KeeperException.NotHeld e) {
      assertThat(e).hasMessageContaining("slow");
    }
    assertThat(counted("pgkeeper.holds.lost")).isEqualTo(1);
  }

  @Test
  void aBreakIsAJeopardyAndAReconnect() {
    try (Keeper keeper = measured()) {
      assertThat(gauge("pgkeeper.session.held")).isEqualTo(1);
      SessionLog.terminateBackendOf(database, keeper.session().id());
      awaitCounted(1, "pgkeeper.session.jeopardies");
      Await.until("a reconnect", () -> timed("pgkeeper.session.reconnects") == 1);
      assertThat(gauge("pgkeeper.session.held")).isEqualTo(1);
      assertThat(counted("pgkeeper.session.jeopardies")).isEqualTo(1);
      assertThat(counted("pgkeeper.session.losses")).isZero();
    }
  }

  @Test
  void theSessionThatTakesTheLostOnesPlaceIsMeasuredToo() {
    Keeper keeper = measured();
    SessionLog.lose(database, keeper);
    assertThat(keeper.session().isHeld()).isTrue();
    assertThat(counted("pgkeeper.session.losses")).isEqualTo(1);
    assertThat(gauge("pgkeeper.session.held")).isEqualTo(1);
    long before = timed("pgkeeper.operations", "kind", "read");
    keeper.tree().exists("/");
    assertThat(timed("pgkeeper.operations", "kind", "read")).isEqualTo(before + 1);
    keeper.close();
    assertThat(gauge("pgkeeper.session.held")).isZero();
  }

  @Test
  void whoReapsCountsItsTicksAndWhatItReaped() {
    try (Keeper keeper = measured()) {
      awaitCounted(2, "pgkeeper.reaper.ticks");
      double before = counted("pgkeeper.reaper.reaped", "what", "sessions");
      database.execute("SELECT ${schema}.session_open(1, 1, false, 'short', 'here', 1)");
      awaitCounted(before + 1, "pgkeeper.reaper.reaped", "what", "sessions");
      assertThat(keeper.state()).isEqualTo(SessionState.HELD);
    }
  }

  @Test
  void eachEventThatAListenerIsToldHasItsLag() {
    try (Keeper keeper = measured();
        Keeper other = database.keeper()) {
      Heard<WatchedEvent> heard = new Heard<>();
      keeper.tree().create("/lag", DATA);
      keeper.tree().watch("/lag", WatchMode.PERSISTENT, heard::add);
      long before = timed("pgkeeper.listener.lag");
      other.tree().set("/lag", DATA);
      heard.await(event -> event.path().equals("/lag"));
      assertThat(timed("pgkeeper.listener.lag")).isEqualTo(before + 1);
      assertThat(of("pgkeeper.listener.lag").timer().totalTime(TimeUnit.NANOSECONDS)).isPositive();
    }
  }

  @Test
  void queuesAreCountedWithTheTallyAndTheirDepthIsRead() {
    Keeper keeper = measured();
    MessageQueue<String> queue = keeper.queue("counted", Codec.text());
    queue.enqueueAll(List.of("a", "b", "c", "d"));
    queue.take().orElseThrow().ack();
    queue.take().orElseThrow().bury("as it should");
    var claimed = queue.take().orElseThrow();
    assertThat(gauge("pgkeeper.queue.depth", "queue", "counted", "where", "ready")).isEqualTo(1);
    assertThat(gauge("pgkeeper.queue.depth", "queue", "counted", "where", "claimed")).isEqualTo(1);
    assertThat(gauge("pgkeeper.queue.depth", "queue", "counted", "where", "dead")).isEqualTo(1);
    assertThat(gauge("pgkeeper.queue.depth", "queue", "counted", "where", "delayed")).isZero();
    assertThat(
            of("pgkeeper.queue.oldest", "queue", "counted")
                .timeGauge()
                .value(TimeUnit.MILLISECONDS))
        .isPositive();
    assertThat(claimed.isHeld()).isTrue();
    keeper.close(); // which reports what was counted
    assertThat(counted("pgkeeper.queue.messages", "queue", "counted", "what", "enqueued"))
        .isEqualTo(4);
    assertThat(counted("pgkeeper.queue.messages", "queue", "counted", "what", "taken"))
        .isEqualTo(3);
    assertThat(counted("pgkeeper.queue.messages", "queue", "counted", "what", "acked"))
        .isEqualTo(1);
    assertThat(counted("pgkeeper.queue.messages", "queue", "counted", "what", "died")).isEqualTo(1);
  }

  @Test
  void queuesThatWereUsedBeforeAreMeasuredFromTheBinding() {
    try (Keeper keeper = database.keeper()) {
      keeper.queue("earlier", Codec.text()).enqueue("a");
      new KeeperMetrics(keeper).bindTo(registry);
      assertThat(gauge("pgkeeper.queue.depth", "queue", "earlier", "where", "ready")).isEqualTo(1);
    }
  }

  @Test
  void pathsAreNeverTags() throws Exception {
    try (Keeper keeper = measured()) {
      keeper.tree().create("/tagged", DATA, CreateMode.EPHEMERAL);
      keeper.lock("/tagged-lock").acquire().release();
      keeper.election("/tagged-election").candidates();
      assertThatThrownBy(() -> keeper.tree().delete("/none"))
          .isInstanceOf(KeeperException.NoNode.class);
      assertThat(registry.getMeters()).isNotEmpty();
      assertThat(
              registry.getMeters().stream()
                  .map(Meter::getId)
                  .flatMap(id -> id.getTags().stream())
                  .map(Tag::getValue))
          .noneMatch(value -> value.contains("/") || value.contains("tagged"));
    }
  }

  @Test
  void closingTakesAllMetersAway() throws Exception {
    try (Keeper keeper = database.keeper()) {
      KeeperMetrics metrics = new KeeperMetrics(keeper, Tags.of("keeper", "mine"));
      metrics.bindTo(registry);
      keeper.tree().exists("/");
      keeper.queue("closing", Codec.text()).enqueue("a");
      assertThat(of("pgkeeper.operations", "keeper", "mine", "kind", "read").timer()).isNotNull();
      metrics.close();
      assertThat(registry.getMeters()).isEmpty();
      keeper.tree().exists("/");
      assertThat(registry.getMeters()).isEmpty();
    }
  }

  @Test
  void ofManyQueuesAHundredAreToldApart() {
    AtomicBoolean asked = new AtomicBoolean();
    Meters meters = new Meters(registry, Tags.empty());
    var observation = new dev.pgkeeper.internal.observe.Observation();
    observation.follow(new CountedSubject(names -> asked.set(true)));
    QueueMeters queues = new QueueMeters(meters, new QueueDepths(observation));
    for (int i = 0; i < 300; i++) {
      queues.counted(new dev.pgkeeper.internal.observe.QueueCounts("q" + i, 2, 1, 0, 0, 0));
    }
    List<String> tags =
        registry.getMeters().stream()
            .map(meter -> meter.getId().getTag("queue"))
            .distinct()
            .toList();
    assertThat(tags).hasSize(101).contains("q0", "q99", "other").doesNotContain("q100");
    assertThat(counted("pgkeeper.queue.messages", "queue", "other", "what", "enqueued"))
        .isEqualTo(400);
    assertThat(asked).as("asked although nobody has read").isFalse();
  }
}
