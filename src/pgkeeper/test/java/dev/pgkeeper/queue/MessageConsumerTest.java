package dev.pgkeeper.queue;

import static dev.pgkeeper.queue.QueueFixture.same;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Futures;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What a consumer does with messages, and when it stops. */
@SuppressWarnings("try") // some consumers only have to be there
class MessageConsumerTest {
  private static QueueFixture fixture;
  private static Keeper keeper;
  private static Keeper other;

  @BeforeAll
  static void open() {
    fixture = new QueueFixture();
    keeper = fixture.connect();
    other = fixture.connect();
  }

  @AfterAll
  static void close() {
    fixture.close();
  }

  private static List<String> texts(int number) {
    return IntStream.range(0, number).mapToObj(Integer::toString).toList();
  }

  private static void awaitSize(MessageQueue<?> queue, QueueSize size) {
    Await.until(() -> size + "; it is " + queue.size(), () -> queue.size().equals(size));
  }

  private static final QueueSize EMPTY = new QueueSize(0, 0, 0, 0, 0);

  @Test
  void everyMessageIsHandledOnceAndAcked() {
    var queue = fixture.newQueue(keeper);
    Queue<String> handled = new ConcurrentLinkedQueue<>();
    ConsumeOptions four = ConsumeOptions.defaults().withConcurrency(4).withPrefetch(20);
    try (MessageConsumer consumer = queue.consume(four, message -> handled.add(message.body()))) {
      assertThat(consumer.isRunning()).isTrue();
      same(queue, other).enqueueAll(texts(500));
      queue.enqueueAll(texts(500));
      awaitSize(queue, EMPTY);
    }
    assertThat(handled).hasSize(1000);
    assertThat(Set.copyOf(handled)).containsExactlyInAnyOrderElementsOf(texts(500));
  }

  @Test
  void oneAtATimeIsInOrder() {
    var queue = fixture.newQueue(keeper);
    queue.enqueueAll(texts(200));
    Queue<String> handled = new ConcurrentLinkedQueue<>();
    try (MessageConsumer consumer =
        queue.consume(
            ConsumeOptions.defaults().withPrefetch(10), message -> handled.add(message.body()))) {
      awaitSize(queue, EMPTY);
    }
    assertThat(List.copyOf(handled)).isEqualTo(texts(200));
  }

  @Test
  void anIdleConsumerIsWokenByWhatSomebodyEnqueuesAndABusyOneNever() throws Exception {
    var queue = fixture.newQueue(keeper);
    Semaphore entered = new Semaphore(0);
    Semaphore may = new Semaphore(0);
    try (MessageConsumer consumer =
        queue.consume(
            ConsumeOptions.defaults(),
            message -> {
              entered.release();
              may.acquire();
            })) {
      assertThat(consumer.isRunning()).isTrue();
      Await.until("an idle consumer", () -> fixture.sleepers(queue) == 1);
      same(queue, other).enqueue("first");
      assertThat(entered.tryAcquire(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(fixture.sleepers(queue)).isZero();
      same(queue, other).enqueue("second");
      assertThat(queue.size()).isEqualTo(new QueueSize(1, 0, 0, 1, 0));
      assertThat(fixture.sleepers(queue)).isZero();
      may.release(2);
      assertThat(entered.tryAcquire(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
      awaitSize(queue, EMPTY);
      Await.until("an idle consumer", () -> fixture.sleepers(queue) == 1);
    }
  }

  @Test
  void neverMoreIsTakenThanHandledAndPrefetched() throws Exception {
    var queue = fixture.newQueue(keeper);
    queue.enqueueAll(texts(50));
    CountDownLatch running = new CountDownLatch(3);
    CountDownLatch may = new CountDownLatch(1);
    try (MessageConsumer consumer =
        queue.consume(
            ConsumeOptions.defaults().withConcurrency(3).withPrefetch(5),
            message -> {
              running.countDown();
              may.await();
            })) {
      assertThat(running.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
      awaitSize(queue, new QueueSize(42, 0, 0, 8, 0));
      may.countDown();
      awaitSize(queue, EMPTY);
    }
  }

  @Test
  void whatWasHandledIsAckedAlsoWhileEnoughWaitsAheadAndTheNextOneTakesLong() throws Exception {
    var queue = fixture.newQueue(keeper);
    queue.enqueueAll(texts(6));
    CountDownLatch may = new CountDownLatch(1);
    try (MessageConsumer consumer = allButTheFirstTakeLong(queue, may)) {
      awaitSize(queue, new QueueSize(0, 0, 0, 5, 0));
      may.countDown();
      awaitSize(queue, EMPTY);
    }
  }

  @Test
  void whoIsRungTakesWhatItWasRungForAlsoWhileEnoughWaitsAhead() throws Exception {
    var queue = fixture.newQueue(keeper);
    queue.enqueueAll(texts(6));
    CountDownLatch may = new CountDownLatch(1);
    try (MessageConsumer consumer = allButTheFirstTakeLong(queue, may)) {
      Await.until("there is room for one", () -> fixture.sleepers(queue) == 1);
      same(queue, other).enqueue("rings");
      awaitSize(queue, new QueueSize(0, 0, 0, 6, 0));
      may.countDown();
      awaitSize(queue, EMPTY);
    }
  }

  /** One at a time, and five ahead. */
  private static MessageConsumer allButTheFirstTakeLong(
      MessageQueue<String> queue, CountDownLatch may) {
    return queue.consume(
        ConsumeOptions.defaults().withPrefetch(5),
        message -> {
          if (!message.body().equals("0")) {
            may.await();
          }
        });
  }

  @Test
  void stoppingFinishesWhatRunsAndGivesBackWhatWasPrefetched() throws Exception {
    var queue = fixture.newQueue(keeper);
    queue.enqueueAll(texts(10));
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch may = new CountDownLatch(1);
    MessageConsumer consumer =
        queue.consume(
            ConsumeOptions.defaults().withPrefetch(5),
            message -> {
              running.countDown();
              may.await();
            });
    assertThat(running.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    awaitSize(queue, new QueueSize(4, 0, 0, 6, 0));
    assertThat(consumer.stop(Duration.ofMillis(10))).isFalse();
    assertThat(queue.size()).isEqualTo(new QueueSize(9, 0, 0, 1, 0));
    assertThat(queue.peek(1).get(0).attempt()).as("was not tried").isEqualTo(1);
    may.countDown();
    assertThat(consumer.stop(Await.LIMIT)).isTrue();
    assertThat(queue.size()).isEqualTo(new QueueSize(9, 0, 0, 0, 0));
    assertThat(consumer.isRunning()).isFalse();
    queue.enqueue("nobody takes this");
    assertThat(queue.size().ready()).isEqualTo(10);
  }

  @Test
  void closingTheKeeperFinishesWhatRunsAndGivesBackWhatWasPrefetched() throws Exception {
    Keeper closing = fixture.connect();
    var queue = fixture.newQueue(other);
    queue.enqueueAll(texts(10));
    CountDownLatch running = new CountDownLatch(2);
    CountDownLatch may = new CountDownLatch(1);
    List<MessageConsumer> consumers = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      consumers.add(
          same(queue, closing)
              .consume(
                  ConsumeOptions.defaults().withPrefetch(3),
                  message -> {
                    running.countDown();
                    may.await();
                  }));
    }
    assertThat(running.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    awaitSize(queue, new QueueSize(2, 0, 0, 8, 0));
    var closed = Futures.onThread(() -> close(closing));
    awaitSize(queue, new QueueSize(8, 0, 0, 2, 0));
    assertThat(queue.peek(10)).extracting(Message::attempt).as("not tried").containsOnly(1);
    assertThat(closing.session().isHeld()).isTrue();
    may.countDown();
    assertThat(Futures.soon(closed)).isTrue();
    assertThat(queue.size()).isEqualTo(new QueueSize(8, 0, 0, 0, 0));
    assertThat(queue.peek(10)).extracting(Message::attempt).containsOnly(1);
    assertThat(consumers).noneMatch(MessageConsumer::isRunning);
  }

  @Test
  void closingTheKeeperDoesNotWaitForeverForAHandler() throws Exception {
    Keeper closing = fixture.connect();
    var queue = fixture.newQueue(other);
    queue.enqueue("stuck");
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch may = new CountDownLatch(1);
    MessageConsumer consumer =
        same(queue, closing)
            .consume(
                ConsumeOptions.defaults(),
                message -> {
                  running.countDown();
                  may.await();
                });
    assertThat(running.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(
            Futures.onThread(() -> close(closing)).get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS))
        .isTrue();
    assertThat(queue.take().orElseThrow().message().attempt()).isEqualTo(2);
    assertThat(consumer.isRunning()).isFalse();
    may.countDown();
  }

  private static boolean close(Keeper closing) {
    closing.close();
    return true;
  }

  @Test
  void aHandlerThatThrowsHasItsMessageTriedAgainAndThenBuriedWithItsError() {
    var queue =
        fixture.newQueue(
            keeper, QueueOptions.defaults().withMostTries(3).withBackoff(Duration.ofMillis(1)));
    AtomicInteger tries = new AtomicInteger();
    Queue<String> handled = new ConcurrentLinkedQueue<>();
    try (MessageConsumer consumer =
        queue.consume(
            ConsumeOptions.defaults(),
            message -> {
              if (message.body().equals("poison")) {
                assertThat(message.attempt()).isEqualTo(tries.incrementAndGet());
                throw new StackOverflowError("too deep");
              }
              handled.add(message.body());
            })) {
      queue.enqueueAll(List.of("poison", "good"));
      awaitSize(queue, new QueueSize(0, 0, 0, 0, 1));
    }
    assertThat(tries).hasValue(3);
    assertThat(handled).containsExactly("good");
    DeadLetter dead = queue.deadLetters().list(10).get(0);
    assertThat(dead.reason()).isEqualTo("tried 3 times");
    assertThat(dead.error()).isEqualTo("java.lang.StackOverflowError: too deep");
  }

  @Test
  void aHandlerDecidesWhenItsMessageIsTriedAgainOrThatItIsNot() {
    var queue = fixture.newQueue(keeper, QueueOptions.defaults().withBackoff(Duration.ZERO));
    queue.enqueueAll(List.of("later", "never"));
    try (MessageConsumer consumer =
        queue.consume(ConsumeOptions.defaults(), MessageConsumerTest::decide)) {
      awaitSize(queue, new QueueSize(0, 1, 0, 0, 1));
    }
    assertDecided(queue);
  }

  @Test
  void soDoesAHandlerInATransactionWhichIsRolledBack() {
    fixture.database.execute("CREATE TABLE ${schema}.effect (what text)");
    var queue = fixture.newQueue(keeper, QueueOptions.defaults().withBackoff(Duration.ZERO));
    queue.enqueueAll(List.of("later", "never"));
    try (MessageConsumer consumer =
        queue.consumeInTransactions(
            ConsumeOptions.defaults(),
            (connection, message) -> {
              try (Statement statement = connection.createStatement()) {
                statement.execute(
                    "INSERT INTO " + fixture.database.schema() + ".effect VALUES ('x')");
              }
              decide(message);
            })) {
      awaitSize(queue, new QueueSize(0, 1, 0, 0, 1));
    }
    assertThat(fixture.database.queryLong("SELECT count(*) FROM ${schema}.effect")).isZero();
    assertDecided(queue);
  }

  private static void decide(Message<String> message) {
    if (message.body().equals("later")) {
      throw new RetryLater(Duration.ofHours(2), new IllegalStateException("busy"));
    }
    throw new Bury("no such customer");
  }

  private static void assertDecided(MessageQueue<String> queue) {
    DeadLetter dead = queue.deadLetters().list(1).get(0);
    assertThat(dead.payload()).asString().isEqualTo("never");
    assertThat(dead.reason()).isEqualTo("given up");
    assertThat(dead.error()).isEqualTo("no such customer");
    assertThat(
            fixture.database.queryString(
                "SELECT concat_ws(' ', round(extract(epoch FROM m.due - clock_timestamp()) / 60), m.tries, m.error)"
                    + " FROM ${schema}.message m JOIN ${schema}.queue q ON q.id = m.queue WHERE q.name = '"
                    + queue.name()
                    + "'"))
        .isEqualTo("120 1 java.lang.IllegalStateException: busy");
  }

  @Test
  void whatTheCodecCannotReadGoesUnderTheDeadLettersAndBlocksNobody() throws Exception {
    var bytes = keeper.queue(fixture.newName(), Codec.bytes());
    MessageQueue<String> texts = keeper.queue(bytes.name(), Codec.text());
    bytes.enqueue(new byte[] {(byte) 0xff, (byte) 0xfe});
    texts.enqueue("taken");
    assertThat(texts.take(Await.LIMIT).orElseThrow().body()).isEqualTo("taken");

    bytes.enqueue(new byte[] {(byte) 0xff});
    assertThatThrownBy(() -> texts.peek(1)).isInstanceOf(KeeperException.Unreadable.class);
    Queue<String> handled = new ConcurrentLinkedQueue<>();
    try (MessageConsumer consumer =
        texts.consume(ConsumeOptions.defaults(), message -> handled.add(message.body()))) {
      texts.enqueue("handled");
      Await.until("handled", () -> handled.contains("handled"));
      Await.until("two dead", () -> texts.size().dead() == 2);
    }
    for (DeadLetter dead : texts.deadLetters().list(10)) {
      assertThat(dead.reason()).isEqualTo("given up");
      assertThat(dead.error()).startsWith("the codec cannot read it: java.nio.charset.");
    }
  }

  @Test
  void theCallersExecutorRunsTheHandlers() {
    var queue = fixture.newQueue(keeper);
    Queue<String> threads = new ConcurrentLinkedQueue<>();
    ExecutorService executor = Executors.newSingleThreadExecutor(task -> new Thread(task, "mine"));
    try (MessageConsumer consumer =
        queue.consume(
            ConsumeOptions.defaults().withExecutor(executor),
            message -> threads.add(Thread.currentThread().getName()))) {
      queue.enqueueAll(texts(3));
      awaitSize(queue, EMPTY);
    } finally {
      executor.shutdown();
    }
    assertThat(threads).containsOnly("mine");
  }

  @Test
  void aConsumerWithALeaseKeepsItsMessageWhileItsHandlerRuns() throws Exception {
    var queue = fixture.newQueue(keeper);
    queue.enqueue("long");
    CountDownLatch may = new CountDownLatch(1);
    AtomicInteger handled = new AtomicInteger();
    try (MessageConsumer consumer =
        queue.consume(
            ConsumeOptions.defaults().withLease(Duration.ofSeconds(30)),
            message -> {
              handled.incrementAndGet();
              may.await();
            })) {
      Await.until("handled", () -> handled.get() == 1);
      long end = endOfLeaseMicros(queue);
      Await.until("its lease is longer", () -> endOfLeaseMicros(queue) > end);
      assertThat(same(queue, other).take()).isEmpty();
      may.countDown();
      awaitSize(queue, EMPTY);
    }
    assertThat(handled).hasValue(1);
  }

  private static long endOfLeaseMicros(MessageQueue<?> queue) {
    return fixture.database.queryLong(
        "SELECT (extract(epoch FROM c.until) * 1000000)::bigint FROM ${schema}.claim c"
            + " JOIN ${schema}.queue q ON q.id = c.queue WHERE q.name = '"
            + queue.name()
            + "'");
  }

  @Test
  void aThousandIdleConsumersNeedNeitherThreadsNorStatements() {
    List<MessageConsumer> consumers = new ArrayList<>();
    AtomicInteger handled = new AtomicInteger();
    String prefix = fixture.newName() + "-";
    int threadsBefore = Thread.activeCount();
    try {
      for (int i = 0; i < 1000; i++) {
        consumers.add(
            keeper
                .queue(prefix + i, Codec.text())
                .consume(ConsumeOptions.defaults(), message -> handled.incrementAndGet()));
      }
      String asleep = "SELECT count(*) FROM ${schema}.idle WHERE queue LIKE '" + prefix + "%'";
      Await.until("all asleep", () -> fixture.database.queryLong(asleep) == 1000);
      assertThat(Thread.activeCount() - threadsBefore).isLessThan(40);
      other.queue(prefix + 777, Codec.text()).enqueue("x");
      Await.until("handled", () -> handled.get() == 1);
    } finally {
      consumers.forEach(MessageConsumer::close);
    }
  }
}
