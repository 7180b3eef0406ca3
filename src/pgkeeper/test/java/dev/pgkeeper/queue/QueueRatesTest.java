package dev.pgkeeper.queue;

import static dev.pgkeeper.queue.QueueFixture.same;
import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.SessionLog;
import java.sql.Connection;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What clients report of their queues. */
class QueueRatesTest {
  private static QueueFixture fixture;
  private static Keeper keeper;

  @BeforeAll
  static void open() {
    fixture = new QueueFixture();
    keeper = fixture.connect();
  }

  @AfterAll
  static void close() {
    fixture.close();
  }

  /** enqueued taken acked returned died; null if nothing was reported. */
  private static String tallies(MessageQueue<?> queue) {
    return fixture.database.queryString(
        "SELECT concat_ws(' ', sum(t.enqueued), sum(t.taken), sum(t.acked), sum(t.returned), sum(t.died))"
            + " FROM ${schema}.queue_tally t JOIN ${schema}.queue q ON q.id = t.queue WHERE q.name = '"
            + queue.name()
            + "'");
  }

  private static void awaitTallies(MessageQueue<?> queue, String tallies) {
    Await.until(
        () -> tallies + " reported; it is " + tallies(queue), () -> tallies.equals(tallies(queue)));
  }

  @Test
  void theRatesAreWhatAllClientsDid() throws Exception {
    Keeper one = fixture.connect();
    Keeper another = fixture.connect();
    MessageQueue<String> queue =
        fixture.newQueue(one, QueueOptions.defaults().withBackoff(Duration.ZERO));
    queue.enqueue("a");
    queue.enqueueAll(List.of("b", "c"));
    queue.enqueue(
        List.of(
            Outgoing.of("d").deduplicationKey("k"), Outgoing.of("again").deduplicationKey("k")));
    List<Delivery<String>> taken = queue.take(4, Await.LIMIT);
    taken.get(0).ack();
    taken.get(1).nack();
    taken.get(2).release();
    taken.get(3).bury("x");
    MessageQueue<String> theirs = same(queue, another);
    theirs.enqueueAll(Collections.nCopies(600, "e"));
    assertThat(theirs.ackAndTake(theirs.take(1000, Await.LIMIT), 1, Duration.ZERO)).isEmpty();
    one.close();
    another.close();
    assertThat(tallies(queue)).isEqualTo("604 606 603 2 1");
    assertThat(
            fixture.database.queryString(
                "SELECT concat_ws(' ', enqueued BETWEEN 1.6 AND 2.1, taken BETWEEN 1.6 AND 2.1, acked BETWEEN 1.6 AND 2.1, returned, died)"
                    + " FROM ${schema}.queue_rates WHERE queue = '"
                    + queue.name()
                    + "'"))
        .isEqualTo("t t t 0.0 0.0");
  }

  @Test
  void aConsumerIsReportedWhileItRuns() {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    try (MessageConsumer consumer = queue.consume(ConsumeOptions.defaults(), message -> {})) {
      assertThat(consumer.isRunning()).isTrue();
      queue.enqueueAll(List.of("a", "b", "c"));
      awaitTallies(queue, "3 3 3 0 0");
    }
  }

  @Test
  void whatIsDoneInTransactionsIsReported() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    MessageQueue<String> handled = keeper.queue(queue.name(), Codec.text());
    try (Connection connection = fixture.database.connect()) {
      connection.setAutoCommit(false);
      queue.enqueueAll(connection, List.of("a", "b", "c"));
      connection.commit();
      assertThat(queue.take(connection)).isPresent();
      connection.commit();
      Delivery<String> delivery = queue.take(Await.LIMIT).orElseThrow();
      delivery.ack(connection);
      connection.commit();
    }
    try (MessageConsumer consumer =
        handled.consumeInTransactions(ConsumeOptions.defaults(), (connection, message) -> {})) {
      assertThat(consumer.isRunning()).isTrue();
      Await.until("handled", () -> queue.size().live() == 0);
    }
    keeper.close();
    keeper = fixture.connect();
    assertThat(tallies(queue)).isEqualTo("3 3 3 0 0");
  }

  @Test
  void aSessionThatEndsIsReported() {
    Keeper ending = fixture.connect();
    MessageQueue<String> queue = fixture.newQueue(ending);
    queue.enqueue("a");
    SessionLog.lose(fixture.database, ending);
    awaitTallies(queue, "1 0 0 0 0");
  }
}
