package dev.pgkeeper.queue;

import static dev.pgkeeper.queue.QueueFixture.LONG;
import static dev.pgkeeper.queue.QueueFixture.same;
import static dev.pgkeeper.testing.Futures.onThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Codec;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Futures;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TcpProxy.Fate;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Replies that are lost, sessions that end, rings that do not come. The part {@code replies} of the
 * proof breaks connections at random.
 */
class QueueFaultTest {
  private static QueueFixture fixture;
  private static TcpProxy proxy;
  private static HikariDataSource pool;
  private static Keeper keeper;
  private static Keeper other;

  @BeforeAll
  static void open() {
    fixture = new QueueFixture();
    proxy = TcpProxy.before(fixture.database.jdbcUrl());
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(proxy.through(fixture.database.jdbcUrl()));
    config.setMaximumPoolSize(6);
    config.setConnectionTimeout(Await.LIMIT.toMillis());
    pool = new HikariDataSource(config);
    // The session's own connection is not what is tested here.
    keeper =
        Keeper.connect(
            pool,
            fixture
                .options()
                .withSweep(Duration.ofMillis(300))
                .withOperationTimeout(Await.LIMIT)
                .withListener(fixture.database::connect));
    other = fixture.connect();
  }

  @AfterAll
  static void close() {
    proxy.decideBy(() -> Fate.PASSES);
    keeper.close();
    pool.close();
    proxy.close();
    fixture.close();
  }

  /** Loses the reply to the very next request. */
  private static void loseNextReply() {
    boolean[] met = {false};
    proxy.decideBy(
        () -> {
          boolean first = !met[0];
          met[0] = true;
          return first ? Fate.REPLY_LOST : Fate.PASSES;
        });
  }

  private static void mend() {
    proxy.decideBy(() -> Fate.PASSES);
  }

  @Test
  void whatIsEnqueuedTakenAckedOrGivenBackIsSoOnceAlthoughTheReplyIsLost() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    queue.enqueue("makes the queue");
    queue.take().orElseThrow().ack();
    for (int round = 0; round < 2; round++) {
      loseNextReply();
      queue.enqueueAll(List.of("a", "b", "c"));
      mend();
      assertThat(queue.size()).isEqualTo(new QueueSize(3, 0, 0, 0, 0));
      loseNextReply();
      List<Delivery<String>> taken = queue.take(2, Await.LIMIT);
      mend();
      assertThat(QueueFixture.bodies(taken)).containsExactly("a", "b");
      loseNextReply();
      List<Delivery<String>> next = queue.ackAndTake(taken, 2, Await.LIMIT);
      mend();
      assertThat(QueueFixture.bodies(next)).containsExactly("c");
      loseNextReply();
      next.get(0).nack(Duration.ZERO);
      mend();
      Delivery<String> again = queue.take().orElseThrow();
      assertThat(again.message().attempt()).isEqualTo(2);
      loseNextReply();
      again.ack();
      mend();
      assertThat(queue.size()).isEqualTo(new QueueSize(0, 0, 0, 0, 0));
    }
  }

  /** The reply that it is registered as asleep comes behind the ring, on another connection. */
  @Test
  void whoIsRungBeforeItHearsThatItSleepsTakesWhatItWasRungForWhileItsHandlerIsBusy()
      throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    queue.enqueueAll(List.of("short", "long", "long", "long", "long", "long"));
    CountDownLatch mayEndTheShort = new CountDownLatch(1);
    CountDownLatch mayEndTheLong = new CountDownLatch(1);
    MessageConsumer consumer =
        queue.consume(
            ConsumeOptions.defaults().withPrefetch(5),
            message -> (message.body().equals("short") ? mayEndTheShort : mayEndTheLong).await());
    try {
      Await.until("all are taken", () -> queue.size().claimed() == 6);
      proxy.stallToClient();
      mayEndTheShort.countDown();
      Await.until("there is room for one", () -> fixture.sleepers(queue) == 1);
      same(queue, other).enqueue("rings");
      assertThat(fixture.sleepers(queue)).as("it is rung").isZero();
      awaitTheSessionsNextTurns(2);
      proxy.mend();
      Await.until("it is taken", () -> same(queue, other).size().claimed() == 6);
    } finally {
      proxy.mend();
      mayEndTheShort.countDown();
      mayEndTheLong.countDown();
      consumer.close();
    }
  }

  /** In between, what was rung before is heard. */
  private static void awaitTheSessionsNextTurns(int number) {
    for (int i = 0; i < number; i++) {
      Instant before = lastContact();
      Await.until("the session asks the database again", () -> lastContact().isAfter(before));
    }
  }

  private static Instant lastContact() {
    return keeper.health(Duration.ZERO).lastContact();
  }

  @Test
  void whatIsPublishedIsSoOnceAndRungForAlthoughTheReplyIsLost() throws Exception {
    Topic<String> topic = keeper.topic(fixture.newName(), Codec.text());
    MessageQueue<String> mail = topic.subscribe("mail");
    MessageQueue<String> audit = topic.subscribe("audit");
    for (Outgoing<String> message :
        List.of(Outgoing.of("a"), Outgoing.of("b").deduplicationKey("b"))) {
      var taking = onThread(() -> same(audit, other).take(LONG));
      Await.until("a sleeper", () -> fixture.sleepers(audit) == 1);
      loseNextReply();
      assertThat(topic.publish(message)).isEqualTo(2);
      mend();
      assertThat(Futures.soon(taking).orElseThrow().body()).isEqualTo(message.body());
    }
    assertThat(mail.size().ready()).isEqualTo(2);
    assertThat(audit.size()).isEqualTo(new QueueSize(0, 0, 0, 2, 0));
  }

  @Test
  void whatAnAdministratorDoesIsToldRightAlthoughTheReplyIsLost() throws Exception {
    Topic<String> topic = keeper.topic(fixture.newName(), Codec.text());
    MessageQueue<String> queue = topic.subscribe("all");
    queue.enqueueAll(Collections.nCopies(3, "x"));
    for (Delivery<String> one : queue.take(3, Await.LIMIT)) {
      one.bury("x");
    }
    DeadLetters letters = queue.deadLetters();
    assertThat(afterALostReply(() -> letters.redrive(letters.list(1).get(0).id()), 1)).isEqualTo(1);
    assertThat(afterALostReply(letters::redriveAll, 0)).isEqualTo(2L);
    assertThat(afterALostReply(queue::purge, 0)).isEqualTo(3L);
    queue.enqueue("y");
    queue.take().orElseThrow().bury("y");
    assertThat(afterALostReply(letters::discardAll, 0)).isEqualTo(1L);
    assertThat(afterALostReply(queue::pause, 1)).isEqualTo(true);
    assertThat(afterALostReply(queue::resume, 1)).isEqualTo(true);
    assertThat(afterALostReply(() -> topic.unsubscribe("all"), 0)).isEqualTo(true);
  }

  /** Loses the reply to one request after so many of this client's. */
  private static <R> R afterALostReply(Callable<R> call, int later) throws Exception {
    AtomicInteger requests = new AtomicInteger();
    proxy.decideBy(() -> requests.getAndIncrement() == later ? Fate.REPLY_LOST : Fate.PASSES);
    try {
      return call.call();
    } finally {
      mend();
    }
  }

  @Test
  void publishingIsOneRoundTrip() {
    Topic<String> topic = keeper.topic(fixture.newName(), Codec.text());
    topic.subscribe("mail");
    topic.publish("the first of this slot");
    AtomicInteger requests = new AtomicInteger();
    proxy.decideBy(
        () -> {
          requests.incrementAndGet();
          return Fate.PASSES;
        });
    int least = Integer.MAX_VALUE;
    for (int i = 0; i < 10; i++) {
      requests.set(0);
      assertThat(topic.publish("x")).isEqualTo(1);
      least = Math.min(least, requests.get());
    }
    mend();
    assertThat(least).as("requests, but for those of a sweep").isEqualTo(1);
  }

  @Test
  void aSessionsEndFreesItsMessagesAtOnceAndItsAcksAreRefused() throws Exception {
    Keeper ending = fixture.connect();
    MessageQueue<String> queue = fixture.newQueue(ending);
    queue.enqueueAll(List.of("a", "b"));
    List<Delivery<String>> taken = queue.take(2, Await.LIMIT);
    var waiting = onThread(() -> queue.take(LONG));
    Await.until("a sleeper", () -> fixture.sleepers(queue) == 1);
    var next = onThread(() -> same(queue, other).take(2, LONG));
    fixture.database.execute("SELECT ${schema}.session_end(" + ending.session().id() + ")");
    List<Delivery<String>> again = Futures.soon(next);
    assertThat(QueueFixture.bodies(again)).containsAnyOf("a", "b");
    assertThat(again.get(0).message().attempt()).isEqualTo(2);
    assertThatThrownBy(() -> taken.get(0).ack()).isInstanceOf(KeeperException.NotHeld.class);
    assertThatThrownBy(() -> taken.get(1).nack()).isInstanceOf(KeeperException.NotHeld.class);
    assertThatThrownBy(() -> Futures.soon(waiting))
        .isInstanceOf(KeeperException.SessionExpired.class);
    assertThat(taken).noneMatch(Delivery::isHeld);
  }

  @Test
  void anAckThatComesAfterTheSessionsEndIsRefusedTheSameWayWithATake() throws Exception {
    Keeper ending = fixture.connect();
    MessageQueue<String> queue = fixture.newQueue(ending);
    queue.enqueueAll(List.of("a", "b"));
    List<Delivery<String>> taken = queue.take(2, Await.LIMIT);
    List<Delivery<String>> one = taken.subList(0, 1);
    fixture.database.execute("SELECT ${schema}.session_end(" + ending.session().id() + ")");
    assertThatThrownBy(() -> queue.ackAndTake(one, 1, Await.LIMIT))
        .isInstanceOf(KeeperException.NotHeld.class)
        .hasMessageContaining("message " + one.get(0).message().id())
        .hasMessageContaining(queue.name());
    assertThat(one.get(0)).asString().contains("LOST");
    assertThatThrownBy(() -> queue.ackAndTake(one, 1, Await.LIMIT))
        .as("again")
        .isInstanceOf(KeeperException.NotHeld.class);
    assertThatThrownBy(() -> taken.get(1).ack()).isInstanceOf(KeeperException.NotHeld.class);
    assertThat(queue.take(2, Await.LIMIT))
        .as("they are taken again, in the next session")
        .allMatch(again -> again.message().attempt() == 2)
        .hasSize(2);
  }

  @Test
  void aMessageWhoseRingIsLostIsFoundByTheSweep() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    var taking = onThread(() -> queue.take(LONG));
    Await.until("a sleeper", () -> fixture.sleepers(queue) == 1);
    fixture.database.execute("DELETE FROM ${schema}.idle");
    same(queue, other).enqueue("unheard");
    assertThat(Futures.soon(taking).orElseThrow().body()).isEqualTo("unheard");
  }

  @Test
  void aClaimThatNobodyKnowsOfIsGivenBackByTheSweep() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    queue.enqueue("x");
    queue.take().orElseThrow().ack();
    queue.enqueue("unknown");
    // As if a call that was given up came all the same, with a number of the past.
    assertThat(
            fixture.database.queryLong(
                "SELECT cardinality(messages) FROM ${schema}.take("
                    + keeper.session().id()
                    + ", 0, '"
                    + queue.name()
                    + "', 1, NULL, false, NULL, NULL, NULL, false, false)"))
        .isEqualTo(1);
    Await.until("given back", () -> queue.size().ready() == 1);
    assertThat(queue.take().orElseThrow().message().attempt()).isEqualTo(1);
  }

  @Test
  void aRingThatFindsNobodyWaitingIsPassedOn() throws Exception {
    Keeper gaveUp = fixture.connect();
    MessageQueue<String> queue = fixture.newQueue(gaveUp);
    Await.until(
        "it went to sleep before it gave up, and is still registered",
        () ->
            onThread(() -> queue.take(Duration.ofMillis(50))).join().isEmpty()
                && fixture.sleepers(queue) == 1);
    Keeper waiting = fixture.connect();
    assertThat(waiting.session().id()).isGreaterThan(gaveUp.session().id());
    var taking = onThread(() -> same(queue, waiting).take(LONG));
    Await.until("two sleepers", () -> fixture.sleepers(queue) == 2);
    same(queue, other).enqueue("for the one who waits");
    assertThat(Futures.soon(taking)).isPresent();
  }

  @Test
  void consumersGoOnAfterTheConnectionsBroke() {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    Set<String> handled = ConcurrentHashMap.newKeySet();
    List<String> sent = IntStream.range(0, 200).mapToObj(Integer::toString).toList();
    ConsumeOptions how = ConsumeOptions.defaults().withConcurrency(2).withPrefetch(10);
    MessageConsumer consumer = queue.consume(how, message -> handled.add(message.body()));
    try {
      same(queue, other).enqueueAll(sent.subList(0, 100));
      proxy.breakAll();
      same(queue, other).enqueueAll(sent.subList(100, 200));
      Await.until("all acked", () -> queue.size().live() == 0);
    } finally {
      consumer.close();
    }
    assertThat(handled).containsAll(sent);
  }
}
