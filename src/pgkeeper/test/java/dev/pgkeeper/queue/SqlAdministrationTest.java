package dev.pgkeeper.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import org.junit.jupiter.api.Test;

/** What an administrator does and sees. */
class SqlAdministrationTest extends SqlQueueTest {

  @Test
  void nobodyTakesFromAPausedQueueButAcksCount() {
    enqueue("a");
    enqueue("b");
    take(1);
    assertThat(ask("SELECT ${schema}.pause('" + queue + "')")).isEqualTo("t");
    assertThat(takeAfter("{" + claim() + "}")).isEqualTo("sleeps");
    assertThat(ask("SELECT count(*) FROM ${schema}.take_now('" + queue + "', 1)")).isEqualTo("0");
    assertThat(places()).isEqualTo("1 0 0 0 0 0");
    assertThat(
            ask(
                "SELECT ${schema}.pause('"
                    + queue
                    + "') OR NOT ${schema}.resume('"
                    + queue
                    + "') OR ${schema}.resume('"
                    + queue
                    + "')"))
        .isEqualTo("f");
    assertThat(take(1)).isEqualTo("b");
  }

  @Test
  void aPurgePassesWhatSomebodyIsTaking() throws Exception {
    for (String payload : new String[] {"a", "b", "c"}) {
      enqueue(payload);
    }
    try (Connection caller = database.connect()) {
      caller.setAutoCommit(false);
      ask(caller, "SELECT count(*) FROM ${schema}.take_now('" + queue + "', 1)");
      assertThat(ask("SELECT ${schema}.purge('" + queue + "')")).isEqualTo("2");
      caller.rollback();
    }
    assertThat(take(9)).isEqualTo("a");
  }

  @Test
  void deadLettersAreRedrivenOrDiscardedByIdAndAge() {
    for (String payload : new String[] {"a", "b", "c", "d"}) {
      enqueue(payload);
    }
    take(4);
    for (String payload : new String[] {"a", "b", "c", "d"}) {
      giveBack(payload, "dead", "NULL");
    }
    String of = "FROM ${schema}.dead_letters WHERE queue = '" + queue + "'";
    assertThat(ask("SELECT ${schema}.redrive('%s', in_older => '1 h')".formatted(queue)))
        .isEqualTo("0");
    assertThat(
            ask(
                "SELECT ${schema}.redrive('%s', (SELECT array_agg(id) FROM (SELECT id %s ORDER BY id OFFSET 1 LIMIT 1) i))"
                    .formatted(queue, of)))
        .isEqualTo("1");
    assertThat(
            ask(
                "SELECT ${schema}.discard('%s', (SELECT array_agg(id) FROM (SELECT id %s ORDER BY id LIMIT 1) i))"
                    .formatted(queue, of)))
        .isEqualTo("1");
    assertThat(take(9)).isEqualTo("b");
    assertThat(ask("SELECT ${schema}.redrive('" + queue + "')")).isEqualTo("2");
    assertThat(take(9)).isEqualTo("c,d");
  }

  @Test
  void everySubscriptionHasWhatIsPublishedFromThenOn() {
    String topic = queue;
    assertThat(ask("SELECT ${schema}.publish('" + topic + "', 'none')")).isEqualTo("0");
    ask("SELECT ${schema}.queue_create('" + topic + "/one')");
    ask(
        "SELECT ${schema}.subscribe('%1$s', 'one'), ${schema}.subscribe('%1$s', 'two')"
            .formatted(topic));
    assertThat(
            ask(
                "SELECT ${schema}.publish('"
                    + topic
                    + "', 'm', in_priority => 2, in_dedup_key => 'd')"))
        .isEqualTo("2");
    assertThat(
            ask(
                "SELECT concat_ws(' ', (p.outcomes)[1].path, (p.outcomes)[2].path, (p.outcomes)[2].code, p.watched) FROM ${schema}.request_publish(%d, 1, 1, '%s', 'again', NULL, NULL, NULL, NULL, NULL, 'd') p"
                    .formatted(session, topic)))
        .isEqualTo("%1$s/one %1$s/two duplicate f".formatted(topic));
    for (String name : new String[] {"/one", "/two"}) {
      queue = topic + name;
      assertThat(take(9)).isEqualTo("m");
    }
    assertThat(ask("SELECT ${schema}.unsubscribe('" + topic + "', 'two')")).isEqualTo("t");
    assertThat(ask("SELECT string_agg(s, ',') FROM ${schema}.subscriptions('" + topic + "') s"))
        .isEqualTo(topic + "/one");
  }

  @Test
  void theViewsTellWhereEverythingIsAndWhoHasIt() {
    enqueue("a", ", in_key => 'K'");
    enqueue("b", ", in_key => 'K'");
    enqueue("c", ", in_delay => '1 h'");
    enqueue("d");
    take(2);
    enqueue("e");
    giveBack("d", "retry", "60000");
    take(9);
    take(9);
    assertThat(places()).isEqualTo("0 1 1 1 2 0");
    assertThat(
            ask(
                "SELECT concat_ws(' ', sleeping, keyed, most_tries, dedup_window, most_bytes, waiting_since <= clock_timestamp(), dead_rows >= 0) FROM ${schema}.queues WHERE queue = '"
                    + queue
                    + "'"))
        .isEqualTo("1 t 3 00:01:00 100 t t");
    assertThat(
            ask(
                "SELECT string_agg(concat_ws(' ', session, client, try, key), ',' ORDER BY id) FROM ${schema}.in_flight WHERE queue = '"
                    + queue
                    + "'"))
        .isEqualTo("%1$d c 1 K,%1$d c 1".formatted(session));
    assertThat(
            ask(
                "SELECT concat_ws(' ', session, claimed, sleeps) FROM ${schema}.queue_consumers WHERE queue = '"
                    + queue
                    + "'"))
        .isEqualTo(session + " 2 t");
  }

  @Test
  void ratesAreWhatClientsReportedInTheLastMinutes() {
    for (int i = 0; i < 2; i++) {
      ask(
          "SELECT ${schema}.queue_report('{%1$s,none}', '{300,1}', '{600,1}', '{900,1}', '{3,1}', NULL)"
              .formatted(queue));
    }
    assertThat(
            ask(
                "SELECT concat_ws(' ', enqueued BETWEEN 1.6 AND 2, taken > 3.2, acked > 4.9, returned, died) FROM ${schema}.queue_rates WHERE queue = '"
                    + queue
                    + "'"))
        .isEqualTo("t t t 0.0 0.0");
    database.execute("UPDATE ${schema}.queue_tally SET minute = minute - interval '2 days'");
    tidy();
    assertThat(ask("SELECT count(*) FROM ${schema}.queue_tally")).isEqualTo("0");
  }
}
