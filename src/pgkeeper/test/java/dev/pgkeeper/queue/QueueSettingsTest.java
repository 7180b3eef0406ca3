package dev.pgkeeper.queue;

import static dev.pgkeeper.queue.QueueFixture.LONG;
import static dev.pgkeeper.queue.QueueFixture.bodies;
import static dev.pgkeeper.queue.QueueFixture.same;
import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Futures;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.NoSuchElementException;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Deduplication, keys, pausing, purging, topics and the simple queue. */
class QueueSettingsTest {
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

  @Test
  void aDeduplicationKeyCountsForItsWindow() {
    MessageQueue<String> queue =
        fixture.newQueue(
            keeper, QueueOptions.defaults().withDeduplicationWindow(Duration.ofHours(1)));
    List<Enqueued> first =
        queue.enqueue(
            List.of(
                Outgoing.of("a").deduplicationKey("k"),
                Outgoing.of("b"),
                Outgoing.of("c").deduplicationKey("k")));
    assertThat(first).extracting(Enqueued::isDuplicate).containsExactly(false, false, true);
    assertThat(first.get(2).id()).isEqualTo(first.get(0).id());
    assertThat(same(queue, other).enqueue(Outgoing.of("d").deduplicationKey("k")))
        .isEqualTo(new Enqueued(first.get(0).id(), true));
    fixture.database.execute("UPDATE ${schema}.dedup SET until = clock_timestamp()");
    assertThat(queue.enqueue(Outgoing.of("e").deduplicationKey("k")).isDuplicate()).isFalse();
    assertThat(queue.size().ready()).isEqualTo(3);
  }

  /** To the microsecond, which a delay that this machine's clock makes of it cannot be. */
  @Test
  void whatIsNotToBeTakenBeforeAMomentIsDueAtThatMomentOfTheDatabasesClock() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    Topic<String> topic = keeper.topic(fixture.newName(), Codec.text());
    MessageQueue<String> subscription = topic.subscribe("s");
    Instant now =
        Instant.ofEpochSecond(
            fixture.database.queryLong("SELECT extract(epoch FROM clock_timestamp())::bigint"));
    Outgoing<String> past = Outgoing.of("past").notBefore(now.minusSeconds(1));
    Outgoing<String> future = Outgoing.of("future").notBefore(now.plusSeconds(3600).plusNanos(1));
    queue.enqueue(List.of(past, future, Outgoing.of("plain")));
    topic.publish(past);
    topic.publish(future);
    try (var connection = fixture.database.connect()) {
      queue.enqueue(connection, List.of(past, future));
      topic.publish(connection, future);
      topic.publish(connection, past);
    }
    assertThat(bodies(queue.take(5, Await.LIMIT))).containsExactly("past", "plain", "past");
    assertThat(bodies(subscription.take(5, Await.LIMIT))).containsExactly("past", "past");
    assertThat(
            fixture.database.queryLong(
                "SELECT count(*) FROM ${schema}.message WHERE lane IS NULL AND due = '"
                    + now.plusSeconds(3600).plusNanos(1000)
                    + "'"))
        .isEqualTo(4);
  }

  @Test
  void messagesOfAKeyAreTakenOneAtATimeAndOthersFlowPast() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    queue.enqueue(
        List.of(
            Outgoing.of("a1").key("a"),
            Outgoing.of("a2").key("a"),
            Outgoing.of("b1").key("b"),
            Outgoing.of("free")));
    List<Delivery<String>> first = queue.take(10, Await.LIMIT);
    assertThat(bodies(first)).containsExactlyInAnyOrder("a1", "b1", "free");
    assertThat(queue.size().behind()).isEqualTo(1);
    var next = Futures.onThread(() -> same(queue, other).take(LONG));
    first.stream().filter(one -> one.body().equals("a1")).forEach(Delivery::ack);
    assertThat(Futures.soon(next).orElseThrow().body()).isEqualTo("a2");
  }

  @Test
  void nothingIsTakenFromAPausedQueueAndResumingWakesWhoWaits() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    assertThat(queue.pause()).isTrue();
    assertThat(queue.pause()).isFalse();
    assertThat(queue.isPaused()).isTrue();
    queue.enqueue("x");
    assertThat(queue.take()).isEmpty();
    var taking = Futures.onThread(() -> queue.take(LONG));
    Await.until("a sleeper", () -> fixture.sleepers(queue) == 1);
    assertThat(same(queue, other).resume()).isTrue();
    assertThat(Futures.soon(taking)).isPresent();
    assertThat(queue.resume()).isFalse();
  }

  @Test
  void aPurgeLeavesWhatIsClaimed() {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    queue.enqueueAll(List.of("a", "b", "c"));
    queue.enqueue(Outgoing.of("later").delay(Duration.ofHours(1)));
    Delivery<String> taken = queue.take().orElseThrow();
    assertThat(queue.purge()).isEqualTo(3);
    assertThat(queue.size()).isEqualTo(new QueueSize(0, 0, 0, 1, 0));
    taken.ack();
  }

  @Test
  void settingsAreWrittenWhenTheQueueIsFirstUsedAndKeptWhereNothingIsSaid() {
    MessageQueue<String> queue =
        fixture.newQueue(keeper, QueueOptions.defaults().withMostTries(3).withMostBytes(100));
    queue.enqueue("x");
    keeper
        .queue(queue.name(), Codec.text(), QueueOptions.defaults().withMostBytes(200))
        .enqueue("y");
    same(queue, other).enqueue("z");
    assertThat(
            fixture.database.queryString(
                "SELECT concat_ws(' ', most_tries, most_bytes, backoff_ms) FROM ${schema}.queue WHERE name = '"
                    + queue.name()
                    + "'"))
        .isEqualTo("3 200 1000");
  }

  @Test
  void everySubscriptionOfATopicHasWhatIsPublished() throws Exception {
    Topic<String> topic = keeper.topic(fixture.newName(), Codec.text());
    assertThat(topic.publish("to nobody")).isZero();
    MessageQueue<String> mail = topic.subscribe("mail");
    MessageQueue<String> audit = topic.subscribe("audit");
    assertThat(topic.subscriptions()).containsExactly("mail", "audit");
    Topic<String> elsewhere = other.topic(topic.name(), Codec.text());
    assertThat(elsewhere.publish("one")).isEqualTo(2);
    assertThat(elsewhere.publish(Outgoing.of("two").priority(1))).isEqualTo(2);
    assertThat(bodies(mail.take(5, Await.LIMIT))).containsExactly("two", "one");
    assertThat(bodies(audit.take(5, Await.LIMIT))).containsExactly("two", "one");
    assertThat(elsewhere.unsubscribe("mail")).isTrue();
    assertThat(elsewhere.unsubscribe("mail")).isFalse();
    assertThat(topic.publish("three")).isEqualTo(1);
    try (var connection = fixture.database.connect()) {
      connection.setAutoCommit(false);
      assertThat(topic.publish(connection, "rolled back")).isEqualTo(1);
      connection.rollback();
    }
    assertThat(audit.peek(5)).extracting(Message::body).containsExactly("three");
  }

  @Test
  void theSimpleQueueIsFirstInFirstOut() throws Exception {
    SimpleQueue<String> queue = keeper.simpleQueue(fixture.newName(), Codec.text());
    Assertions.assertThatThrownBy(queue::element)
        .isInstanceOf(NoSuchElementException.class)
        .hasMessageContaining(queue.name());
    var taking = Futures.onThread(queue::take);
    queue.put("a");
    assertThat(Futures.soon(taking)).isEqualTo("a");
    queue.put("b");
    queue.put("c");
    queue.put("d");
    assertThat(queue.element()).isEqualTo("b");
    assertThat(queue.size()).isEqualTo(3);
    assertThat(queue.remove()).isEqualTo("b");
    assertThat(queue.poll(Await.LIMIT)).contains("c");
    assertThat(queue.take()).isEqualTo("d");
    assertThat(queue.poll()).isEmpty();
    assertThat(queue.peek()).isEmpty();
    assertThat(keeper.queue(queue.name(), Codec.text()).size().live()).as("gone").isZero();
  }
}
