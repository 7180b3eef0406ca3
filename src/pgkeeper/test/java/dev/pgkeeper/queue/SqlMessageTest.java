package dev.pgkeeper.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.sql.TwoTransactions;
import java.sql.Connection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where a message is, and how it gets from one place to the next. */
class SqlMessageTest extends SqlQueueTest {

  @Test
  void higherPrioritiesComeFirstAndAmongEqualsTheFirstComesFirst() {
    enqueue("a");
    enqueue("b", ", in_priority => 5");
    enqueue("c", ", in_priority => -3");
    enqueue("d", ", in_priority => 5");
    enqueue("e");
    assertThat(
            ask(
                "SELECT string_agg(convert_from(payload, 'UTF8'), ',') FROM ${schema}.peek('"
                    + queue
                    + "', 9)"))
        .isEqualTo("b,d,a,e,c");
    assertThat(take(9)).isEqualTo("b,d,a,e,c");
  }

  @Test
  void aBatchKeepsItsOrderWhateverItsDeduplicationKeysAre() {
    ask(
        "SELECT ${schema}.enqueue_all(array_fill('"
            + queue
            + "'::text, '{4}'), '{a,b,c,d}', in_dedup_keys => '{z,NULL,b,z}')");
    assertThat(take(9)).isEqualTo("a,b,c");
  }

  @Test
  void aDelayedMessageIsThereOnceItIsDue() {
    enqueue("late", ", in_delay => '50 ms'");
    assertThat(places()).isEqualTo("0 0 1 0 0 0");
    assertThat(take(1)).isEqualTo("sleeps");
    tidyUntil("due", "SELECT ready = 1 FROM ${schema}.queues WHERE queue = '" + queue + "'");
    assertThat(take(1)).isEqualTo("late");
  }

  @Test
  void aMessageWhoseTimeIsOverIsNotTakenAndIsDead() {
    enqueue("old", ", in_life => '1 ms'");
    ask("SELECT pg_sleep(0.002)");
    assertThat(take(1)).isEqualTo("sleeps");
    tidy();
    assertThat(places()).isEqualTo("0 0 0 0 0 1");
    assertThat(ask("SELECT reason FROM ${schema}.dead_letters WHERE queue = '" + queue + "'"))
        .isEqualTo("its time was over");
  }

  @Test
  void aFailedMessageWaitsAndIsDeadAfterItsLastTry() {
    enqueue("a", ", in_headers => '{h,v}'");
    for (int tried = 1; tried < 3; tried++) {
      assertThat(take(1)).isEqualTo("a");
      assertThat(giveBack("a", "retry", "20")).isEqualTo("ok");
      assertThat(places()).isEqualTo("0 0 0 1 0 0");
      tidyUntil("due", "SELECT ready = 1 FROM ${schema}.queues WHERE queue = '" + queue + "'");
    }
    take(1);
    giveBack("a", "retry", "20");
    assertThat(
            ask(
                "SELECT concat_ws(' ', reason, error, tries, headers, bytes) FROM ${schema}.dead_letters WHERE queue = '"
                    + queue
                    + "'"))
        .isEqualTo("tried 3 times broken 3 {\"h\": \"v\"} 1");
    assertThat(ask("SELECT ${schema}.redrive('" + queue + "')")).isEqualTo("1");
    assertThat(take(1)).isEqualTo("a");
    assertThat(ask("SELECT try FROM ${schema}.in_flight WHERE queue = '" + queue + "'"))
        .isEqualTo("1");
  }

  @Test
  void theBackoffDoublesUpToItsLimit() {
    ask("SELECT ${schema}.queue_create('" + queue + "', 100, 10000, 35000)");
    enqueue("a");
    for (int seconds : new int[] {10, 20, 35, 35}) {
      take(1);
      giveBack("a", "retry", "NULL");
      assertThat(
              ask(
                  "SELECT extract(epoch FROM due - clock_timestamp()) BETWEEN %1$d - 9 AND %1$d FROM ${schema}.message WHERE queue = (SELECT id FROM ${schema}.queue WHERE name = '%2$s')"
                      .formatted(seconds, queue)))
          .isEqualTo("t");
      database.execute(
          "UPDATE ${schema}.message SET due = clock_timestamp() WHERE due IS NOT NULL");
      tidy();
    }
  }

  @Test
  void whatWasNotTriedDoesNotCountAsATry() {
    enqueue("a");
    for (int i = 0; i < 5; i++) {
      assertThat(take(1)).isEqualTo("a");
      giveBack("a", "release", "NULL");
    }
    assertThat(places()).isEqualTo("1 0 0 0 0 0");
  }

  @Test
  void whoeverGivesBackDoesNotWaitForAnotherWhoGivesBackToTheSameQueue() throws Exception {
    enqueue("a");
    enqueue("b");
    take(1);
    take(1);
    try (Connection one = database.connect();
        Connection other = database.connect()) {
      ask(other, "SELECT set_config('lock_timeout', '3s', false)");
      one.setAutoCommit(false);
      ask(one, givingBack(ackCall("a")));
      ask(other, givingBack(ackCall("b")));
      one.commit();
    }
    assertThat(take(9)).isEqualTo("a,b");
  }

  private static String givingBack(String ackCall) {
    return ackCall.replaceAll(
        "ack\\((\\d+),(\\d+),(\\d+)\\)",
        "_return($3, ARRAY[$1::bigint], ARRAY[$2::bigint], '{retry}', '{0}', NULL)");
  }

  @ParameterizedTest
  @CsvSource({"true, duplicate", "false, ok"})
  void whoeverEnqueuesTheSameDeduplicationKeyWaitsForTheFirst(boolean keep, String answer)
      throws Exception {
    String call =
        "SELECT (${schema}.enqueue_all(ARRAY['%s'], ARRAY['%s'::bytea], in_dedup_keys => '{d}'))[1].code";
    assertThat(
            TwoTransactions.cross(
                database, call.formatted(queue, "a"), keep, call.formatted(queue, "b")))
        .isEqualTo(answer);
    assertThat(take(9)).isEqualTo(keep ? "a" : "b");
  }

  @Test
  void aDeduplicationKeyCountsForItsWindow() {
    String first = enqueue("a", ", in_dedup_key => 'd'");
    assertThat(enqueue("b", ", in_dedup_key => 'd'")).isEqualTo(first);
    database.execute("UPDATE ${schema}.dedup SET until = clock_timestamp()");
    assertThat(enqueue("c", ", in_dedup_key => 'd'")).isNotEqualTo(first);
    database.execute("UPDATE ${schema}.dedup SET until = clock_timestamp() - interval '2 min'");
    tidy();
    assertThat(ask("SELECT count(*) FROM ${schema}.dedup")).isEqualTo("0");
  }

  @Test
  void whatACallersTransactionEnqueuesOrTakesGoesWithIt() throws Exception {
    enqueue("a");
    try (Connection caller = database.connect()) {
      caller.setAutoCommit(false);
      ask(caller, enqueueCall("b", ""));
      assertThat(
              ask(
                  caller,
                  "SELECT convert_from(payload, 'UTF8') FROM ${schema}.take_now('"
                      + queue
                      + "', 1)"))
          .isEqualTo("a");
      assertThat(take(1)).isEqualTo("nothing");
      caller.rollback();
      assertThat(take(9)).isEqualTo("a");
      ask(caller, enqueueCall("b", ""));
      caller.commit();
      ask(caller, "SELECT count(*) FROM ${schema}.take_now('" + queue + "', 1)");
      caller.commit();
    }
    assertThat(places()).isEqualTo("0 0 0 0 1 0");
  }

  /** Its numbers are below where the lane begins by the time it commits. */
  @Test
  void aTransactionThatEnqueuesForLongIsFoundAndRungFor() throws Exception {
    try (Connection caller = database.connect()) {
      caller.setAutoCommit(false);
      ask(
          caller,
          "SELECT ${schema}._enqueue(${schema}._next_zxid() << 10, ARRAY['%s'], '{slow}', NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
              .formatted(queue));
      for (int look = 0; look < 3; look++) {
        enqueue("x");
        database.execute("UPDATE ${schema}.lane SET look_at = '-infinity'");
        tidy();
        take(1);
      }
      caller.commit();
    }
    assertThat(take(1)).isEqualTo("sleeps");
    database.execute("UPDATE ${schema}.lane SET look_at = '-infinity'");
    tidy();
    assertThat(ask("SELECT count(*) FROM ${schema}.idle WHERE queue = '" + queue + "'"))
        .as("not rung")
        .isEqualTo("0");
    assertThat(take(1)).isEqualTo("slow");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "enqueue('none', 'x'); PK004",
        "enqueue('%s', repeat('x', 101)::bytea); PK005",
        "enqueue('%s', NULL); PK005",
        "enqueue('%s', 'x', 1001); PK005",
        "enqueue('%s', 'x', in_delay => '-1 s'); PK005",
        "enqueue('%s', 'x', in_life => '0 s'); PK005",
        "enqueue('%s', 'x', in_not_before => 'infinity'); PK005",
        "enqueue('%s', 'x', in_headers => '{a}'); PK005",
        "enqueue('%s', 'x', in_headers => '{a,NULL}'); PK005",
        "enqueue_all(array_fill('%s'::text, '{1001}'), array_fill('x'::bytea, '{1001}')); PK005",
        "take_now('none', 1); PK004",
        "take(-5, 1, '%s', 1, NULL, false, NULL, NULL, NULL, false, false); PK006",
        "take(-5, 1, '%s', 0, NULL, false, '{1}', NULL, NULL, false, false); PK006",
        "take_leased('%s', 0, '1 s'); 22023",
        "take_leased('%s', 1, '0 s'); 22023",
        "extend(1, NULL); 22023",
        "ack(1, 1); PK003",
        "_enqueue_refused(ARRAY['%s'], ARRAY['made meanwhile'::bytea]); 40001",
        "redrive('none'); PK004",
        "purge('none'); PK004",
        "queue_create('%s', 0); 22023",
        "queue_create('', 1); 22023",
        "queue_create('%s', in_backoff_ms => 9223372036854775807); 22023",
      })
  void badInputIsRefusedWithATypedError(String call, String state) {
    assertThatThrownBy(() -> ask("SELECT ${schema}." + call.formatted(queue)))
        .rootCause()
        .extracting("SQLState")
        .isEqualTo(state);
  }
}
