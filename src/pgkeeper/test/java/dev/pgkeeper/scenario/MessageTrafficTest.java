package dev.pgkeeper.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.queue.Delivery;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.queue.Outgoing;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Leads messages, step by step, to where a protection is needed. The checker of the message traffic
 * finds nothing where it is on, and finds what it must where it is off. The traffic itself, of
 * processes that are stopped, killed and cut off, is in the proof's part {@code mixed}.
 */
class MessageTrafficTest {
  private final TestDatabase database = TestDatabase.fresh();
  private Keeper one;
  private Keeper other;

  @BeforeEach
  void connect() {
    database.execute(MessageTraffic.TABLES);
    one = database.keeper();
    other = database.keeper();
  }

  @AfterEach
  void close() {
    one.close();
    other.close();
    database.close();
  }

  @Test
  void whatIsDoneInATransactionThatIsRolledBackIsDoneOnceInTheEnd() throws Exception {
    doneAndRolledBack(true);
    assertThat(TrafficChecker.violations(database)).isEmpty();
  }

  @Test
  void effectsThatDoNotShareTheAcksTransactionAreFoundTwice() throws Exception {
    doneAndRolledBack(false);
    assertThat(TrafficChecker.doneTwice(database)).hasSize(1);
  }

  private void doneAndRolledBack(boolean together) throws Exception {
    MessageQueue<String> queue = queue(one, "in-order");
    send(queue, "k");
    Delivery<String> first = take(queue);
    try (Connection connection = database.connect();
        Connection own = database.connect()) {
      connection.setAutoCommit(false);
      note(together ? connection : own, one, queue, first, "done");
      first.ack(connection);
      connection.rollback();
    }
    first.release();
    Delivery<String> again = take(queue);
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      note(connection, one, queue, again, "done");
      again.ack(connection);
      connection.commit();
    }
    assertThat(TrafficChecker.left(database)).isZero();
  }

  @Test
  void whatIsGivenBackIsHandedOutAgain() throws Exception {
    giveBackAndTakeAll();
    assertThat(TrafficChecker.violations(database)).isEmpty();
  }

  @Test
  void messagesThatAreNotPutBackAreFoundLost() throws Exception {
    database.execute(
        """
        CREATE OR REPLACE FUNCTION ${schema}._give_back(in_messages ${schema}.message[], in_hows text[], in_delays_ms bigint[],
            in_errors text[]) RETURNS void LANGUAGE sql
          AS 'SELECT ${schema}._keys_free(array_agg(m.queue), array_agg(m.key), array_agg(m.id)) FROM unnest(in_messages) AS m WHERE m.key IS NOT NULL'
        """);
    giveBackAndTakeAll();
    assertThat(TrafficChecker.lost(database)).hasSize(1);
  }

  private void giveBackAndTakeAll() throws Exception {
    MessageQueue<String> queue = queue(one, "in-order");
    send(queue, "k");
    take(queue).release();
    for (Delivery<String> delivery : queue.take(1, Duration.ZERO)) {
      handle(one, queue, delivery, "done");
    }
    assertThat(TrafficChecker.left(database)).isZero();
  }

  @Test
  void ofOneKeyTheSecondMessageComesOnceTheFirstIsDone() throws Exception {
    takeTheSecondBesideTheFirst();
    assertThat(TrafficChecker.violations(database)).isEmpty();
  }

  @Test
  void messagesOfOneKeyAtATimeForSeveralAreFoundOutOfOrder() throws Exception {
    database.execute(
        "CREATE OR REPLACE FUNCTION ${schema}._queue_keyed(in_queue text) RETURNS void LANGUAGE sql"
            + " AS 'SELECT NULL::void'");
    takeTheSecondBesideTheFirst();
    assertThat(TrafficChecker.outOfOrder(database)).hasSize(1);
  }

  private void takeTheSecondBesideTheFirst() throws Exception {
    MessageQueue<String> queue = queue(one, "in-order");
    send(queue, "k");
    send(queue, "k");
    Delivery<String> first = take(queue);
    MessageQueue<String> beside = queue(other, "in-order");
    for (Delivery<String> second : beside.take(1, Duration.ZERO)) {
      handle(other, beside, second, "done");
    }
    handle(one, queue, first, "done");
    for (Delivery<String> second : beside.take(1, Duration.ZERO)) {
      handle(other, beside, second, "done");
    }
    assertThat(TrafficChecker.left(database)).isZero();
  }

  @Test
  void whatIsTakenIsNotHandedOutToAnybodyElse() throws Exception {
    takeTwiceAndAck();
    assertThat(TrafficChecker.violations(database)).isEmpty();
  }

  @Test
  void messagesThatStayWhereTheyAreWhileTheyAreTakenAreFoundTwice() throws Exception {
    database.execute(
        """
        CREATE FUNCTION ${schema}.put_back() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF NOT EXISTS (SELECT FROM ${schema}.event) THEN
            INSERT INTO ${schema}.message SELECT OLD.*;
          END IF;
          RETURN NULL;
        END $$;
        CREATE TRIGGER put_back AFTER DELETE ON ${schema}.message FOR EACH ROW EXECUTE FUNCTION ${schema}.put_back();
        """);
    takeTwiceAndAck();
    assertThat(TrafficChecker.doneTwice(database)).hasSize(1);
    assertThat(TrafficChecker.againForNoReason(database)).hasSize(1);
  }

  private void takeTwiceAndAck() throws Exception {
    MessageQueue<String> queue = queue(one, "acked");
    send(queue, null);
    Delivery<String> first = take(queue);
    note(one, queue, first, "handled");
    List<Delivery<String>> again = queue.take(1, Duration.ZERO);
    for (Delivery<String> second : again) {
      handle(one, queue, second, "handled");
      note(one, queue, second, "acked");
    }
    first.ack();
    note(one, queue, first, "acked");
    assertThat(TrafficChecker.left(database)).isZero();
  }

  @Test
  void whatNobodySentIsFound() throws Exception {
    database.execute(
        "INSERT INTO ${schema}.event (queue, id, what, session, live)"
            + " VALUES ('now', 7, 'done', 1, true)");
    assertThat(TrafficChecker.neverSent(database)).containsExactly("now 7");
  }

  private static MessageQueue<String> queue(Keeper keeper, String name) {
    return keeper.queue(name, Codec.text());
  }

  private void send(MessageQueue<String> queue, String key) {
    Outgoing<String> message = Outgoing.of("m");
    long id = queue.enqueue(key == null ? message : message.key(key)).id();
    database.execute(
        "INSERT INTO ${schema}.sent VALUES ('%s', %d, %s)"
            .formatted(queue.name(), id, key == null ? "NULL" : "'" + key + "'"));
  }

  private static Delivery<String> take(MessageQueue<String> queue) throws InterruptedException {
    return queue.take(1, Duration.ZERO).get(0);
  }

  private void handle(
      Keeper keeper, MessageQueue<String> queue, Delivery<String> delivery, String what)
      throws SQLException {
    note(keeper, queue, delivery, what);
    delivery.ack();
  }

  private void note(
      Keeper keeper, MessageQueue<String> queue, Delivery<String> delivery, String what)
      throws SQLException {
    try (Connection connection = database.connect()) {
      note(connection, keeper, queue, delivery, what);
    }
  }

  private void note(
      Connection connection,
      Keeper keeper,
      MessageQueue<String> queue,
      Delivery<String> delivery,
      String what)
      throws SQLException {
    String key = delivery.message().key();
    try (Statement statement = connection.createStatement()) {
      statement.execute(
          "INSERT INTO %s.event (queue, id, key, what, session, live) VALUES ('%s', %d, %s, '%s', %d, true)"
              .formatted(
                  database.schema(),
                  queue.name(),
                  delivery.message().id(),
                  key == null ? "NULL" : "'" + key + "'",
                  what,
                  keeper.session().id()));
    }
  }
}
