package dev.pgkeeper.queue;

import static dev.pgkeeper.queue.QueueFixture.LONG;
import static dev.pgkeeper.queue.QueueFixture.same;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Futures;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Queues in the caller's transaction: what it does with them is there exactly if it commits. */
class QueueTransactionTest {
  private static QueueFixture fixture;
  private static Keeper keeper;
  private static Keeper other;

  @BeforeAll
  static void open() {
    fixture = new QueueFixture();
    fixture.database.execute("CREATE TABLE ${schema}.effect (what text)");
    keeper = fixture.connect();
    other = fixture.connect();
  }

  @AfterAll
  static void close() {
    fixture.close();
  }

  private static Connection begin() throws SQLException {
    Connection connection = fixture.database.connect();
    connection.setAutoCommit(false);
    return connection;
  }

  private static void effect(Connection connection, String what) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(
          "INSERT INTO " + fixture.database.schema() + ".effect VALUES ('" + what + "')");
    }
  }

  private static long effects(String what) {
    return fixture.database.queryLong(
        "SELECT count(*) FROM ${schema}.effect WHERE what = '" + what + "'");
  }

  @Test
  void whatIsEnqueuedIsThereExactlyIfTheTransactionCommits() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    try (Connection connection = begin()) {
      queue.enqueue(connection, "rolled back");
      connection.rollback();
      assertThat(queue.size().live()).isZero();
      List<Long> ids = queue.enqueueAll(connection, List.of("a", "b"));
      Enqueued c = queue.enqueue(connection, Outgoing.of("c").deduplicationKey("k"));
      assertThat(queue.enqueue(connection, Outgoing.of("d").deduplicationKey("k")))
          .isEqualTo(new Enqueued(c.id(), true));
      assertThat(same(queue, other).take()).isEmpty();
      connection.commit();
      assertThat(queue.peek(5))
          .extracting(Message::id)
          .containsExactly(ids.get(0), ids.get(1), c.id());
    }
  }

  @Test
  void aTransactionThatEnqueuesRingsWhenItCommits() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    var taking = Futures.onThread(() -> queue.take(LONG));
    Await.until("a sleeper", () -> fixture.sleepers(queue) == 1);
    try (Connection connection = begin()) {
      same(queue, other).enqueue(connection, "x");
      connection.commit();
    }
    assertThat(Futures.soon(taking)).isPresent();
  }

  @Test
  void anUnknownQueueLeavesTheTransactionUsable() throws Exception {
    MessageQueue<String> unknown =
        fixture.newQueue(keeper, QueueOptions.defaults().withCreation(false));
    try (Connection connection = begin()) {
      effect(connection, "usable");
      assertThatThrownBy(() -> unknown.enqueue(connection, "x"))
          .isInstanceOf(KeeperException.NoQueue.class)
          .hasMessageContaining(unknown.name())
          .hasMessageContaining("queue_create");
      connection.commit();
    }
    assertThat(effects("usable")).isEqualTo(1);
  }

  @Test
  void whatIsTakenIsGoneExactlyIfTheTransactionCommits() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    queue.enqueueAll(List.of("a", "b"));
    try (Connection connection = begin()) {
      assertThat(queue.take(connection).orElseThrow().body()).isEqualTo("a");
      assertThat(same(queue, other).take().orElseThrow().body()).as("nobody waits").isEqualTo("b");
      connection.rollback();
      assertThat(queue.take(connection, 5)).extracting(Message::body).containsExactly("a");
      connection.commit();
    }
    assertThat(queue.size()).isEqualTo(new QueueSize(0, 0, 0, 1, 0));
  }

  @Test
  void whatTheCodecCannotReadIsBuriedInThatTransactionToo() throws Exception {
    MessageQueue<byte[]> bytes = keeper.queue(fixture.newName(), Codec.bytes());
    MessageQueue<String> texts = keeper.queue(bytes.name(), Codec.text());
    bytes.enqueue(Outgoing.of(new byte[] {(byte) 0xff}).header("h", "v"));
    texts.enqueue("good");
    try (Connection connection = begin()) {
      assertThat(texts.take(connection).orElseThrow().body()).isEqualTo("good");
      connection.commit();
    }
    DeadLetter dead = texts.deadLetters().list(1).get(0);
    assertThat(dead.payload()).containsExactly((byte) 0xff);
    assertThat(dead.headers()).containsEntry("h", "v");
    assertThat(dead.error()).startsWith("the codec cannot read it");
  }

  @Test
  void anAckInATransactionCountsIfThatCommitsAndKeepsNobodyFromAckingTheOthers() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    queue.enqueueAll(List.of("a", "b", "c"));
    List<Delivery<String>> taken = queue.take(3, Await.LIMIT);
    try (Connection connection = begin()) {
      taken.get(1).ack(connection);
      taken.get(0).ack();
      assertThat(queue.size().claimed()).isEqualTo(2);
      connection.rollback();
      taken.get(1).ack(connection);
      connection.commit();
    }
    assertThat(queue.size().claimed()).isEqualTo(1);
    assertThatThrownBy(() -> taken.get(1).ack()).isInstanceOf(KeeperException.NotHeld.class);
    taken.get(2).ack();
    assertThat(queue.size().live()).isZero();
  }

  @Test
  void aStaleAckFailsTheTransaction() throws Exception {
    Keeper ending = fixture.connect();
    MessageQueue<String> queue = fixture.newQueue(ending);
    queue.enqueue("x");
    Delivery<String> delivery = queue.take().orElseThrow();
    fixture.database.execute("SELECT ${schema}.session_end(" + ending.session().id() + ")");
    try (Connection connection = begin()) {
      effect(connection, "stale");
      assertThatThrownBy(() -> delivery.ack(connection))
          .isInstanceOf(KeeperException.NotHeld.class);
      assertThatThrownBy(() -> effect(connection, "stale")).hasMessageContaining("aborted");
    }
    assertThat(effects("stale")).isZero();
    assertThat(same(queue, keeper).take()).as("free at once").isPresent();
  }

  @Test
  void aConsumerInTransactionsHasItsEffectsOnceAlthoughItsHandlerFailsOften() {
    MessageQueue<String> queue =
        fixture.newQueue(
            keeper, QueueOptions.defaults().withMostTries(100).withBackoff(Duration.ZERO));
    queue.enqueueAll(IntStream.range(0, 100).mapToObj(i -> "once").toList());
    AtomicInteger calls = new AtomicInteger();
    try (MessageConsumer consumer =
        queue.consumeInTransactions(
            ConsumeOptions.defaults().withConcurrency(3).withPrefetch(5),
            (connection, message) -> {
              effect(connection, message.body());
              if (calls.incrementAndGet() % 3 == 0) {
                throw new IllegalStateException("after its effect");
              }
            })) {
      Await.until(() -> "none left: " + queue.size() + consumer, () -> queue.size().live() == 0);
    }
    assertThat(effects("once")).isEqualTo(100);
    assertThat(calls.get()).isGreaterThan(100);
    assertThat(queue.size().dead()).isZero();
  }
}
