package dev.pgkeeper.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import org.junit.jupiter.api.Test;

/** Messages with keys: of each key one at a time, in their order. */
class SqlKeyTest extends SqlQueueTest {

  private static final String A = ", in_key => 'A'";
  private static final String B = ", in_key => 'B'";

  @Test
  void ofAKeyOneIsTakenAtATimeAndOthersFlowPast() {
    enqueue("a1", A);
    enqueue("a2", A + ", in_priority => 7");
    enqueue("b1", B);
    enqueue("x");
    assertThat(take(9)).isEqualTo("a1,b1,x");
    assertThat(places()).isEqualTo("0 1 0 0 3 0");
    assertThat(takeAfter("{" + claim() + "}")).isEqualTo("a2");
  }

  @Test
  void aRetryBlocksItsKeyAndADeadOneFreesIt() {
    enqueue("a1", A);
    enqueue("a2", A);
    take(1);
    giveBack("a1", "retry", "60000");
    assertThat(take(9)).isEqualTo("sleeps");
    database.execute("UPDATE ${schema}.message SET due = clock_timestamp() WHERE due IS NOT NULL");
    tidy();
    assertThat(take(9)).isEqualTo("a1");
    giveBack("a1", "dead", "NULL");
    assertThat(take(9)).isEqualTo("a2");
  }

  @Test
  void aKeyWhoseMessageIsBeingTakenIsPassedAndNothingWasMovedIfThatIsRolledBack() throws Exception {
    for (int i = 0; i < 40; i++) {
      enqueue("a" + i, A);
    }
    enqueue("b1", B);
    try (Connection other = database.connect()) {
      other.setAutoCommit(false);
      assertThat(
              ask(other, takeCall(openSession(), 1, "NULL, false, NULL, NULL, NULL, false, false")))
          .isEqualTo("a0");
      assertThat(take(1)).isEqualTo("b1");
      assertThat(take(1)).as("may be asked again at once").isEqualTo("nothing");
      other.rollback();
    }
    assertThat(take(1)).isEqualTo("a0");
  }

  @Test
  void anAckInACallersTransactionFreesTheKeyWhenItCommitsAndKeepsNobodyElseWaiting()
      throws Exception {
    enqueue("a1", A);
    enqueue("a2", A);
    enqueue("b1", B);
    enqueue("b2", B);
    take(9);
    splitAll();
    take(9); // a2 and b2 go behind
    try (Connection caller = database.connect()) {
      caller.setAutoCommit(false);
      ask(caller, ackCall("a1"));
      assertThat(take(9)).isEqualTo("nothing");
      giveBack("b1", "dead", "NULL");
      assertThat(take(9)).isEqualTo("b2");
      caller.commit();
    }
    assertThat(take(9)).isEqualTo("a2");
  }

  /** As somebody's own statements may leave it. */
  @Test
  void aKeyWhoseTurnNobodyHasIsBroughtBackWhenItsQueueIsTidied() {
    enqueue("a1", A);
    enqueue("a2", A);
    enqueue("b1", B);
    take(1);
    assertThat(take(1)).as("which puts a2 behind").isEqualTo("b1");
    database.execute("DELETE FROM ${schema}.key_turn WHERE key = 'A'");
    database.execute("UPDATE ${schema}.lane SET look_at = '-infinity'");
    tidy();
    assertThat(take(1)).isEqualTo("a2");
  }

  /** Both were behind, and the key was free: nobody would have brought them back. */
  @Test
  void anEarlierMessageThatCommitsLateIsNotStuckBehindOneThatIsGivenBack() throws Exception {
    enqueue("first", ", in_key => 'first'");
    take(1);
    try (Connection caller = database.connect()) {
      caller.setAutoCommit(false);
      ask(caller, enqueueCall("late", A));
      enqueue("a1", A);
      assertThat(take(1)).isEqualTo("a1");
      caller.commit();
    }
    assertThat(take(1)).isEqualTo("sleeps");
    giveBack("a1", "release", "NULL");
    assertThat(take(1)).isEqualTo("late");
    giveBack("late", "dead", "NULL");
    assertThat(take(1)).isEqualTo("a1");
  }

  @Test
  void whatIsPurgedOrExpiredFreesItsKey() {
    enqueue("a1", A);
    enqueue("a2", A);
    enqueue("a3", A);
    take(1);
    take(1);
    giveBack("a1", "retry", "60000");
    assertThat(ask("SELECT ${schema}.purge('" + queue + "', 1)")).isEqualTo("1");
    assertThat(ask("SELECT ${schema}.purge('" + queue + "')")).isEqualTo("2");
    assertThat(
            ask(
                "SELECT count(*) FROM ${schema}.key_turn t JOIN ${schema}.queue q ON q.id = t.queue WHERE q.name = '"
                    + queue
                    + "'"))
        .isEqualTo("0");
    enqueue("a4", A + ", in_life => '1 ms'");
    enqueue("a5", A);
    ask("SELECT pg_sleep(0.002)");
    assertThat(take(1)).isEqualTo("sleeps");
    tidy();
    assertThat(take(1)).isEqualTo("a5");
  }

  @Test
  void onlyTheFirstOfAllKeysAndOfAPriorityKeepsOthersWaiting() throws Exception {
    try (Connection one = database.connect();
        Connection other = database.connect()) {
      ask(other, "SELECT set_config('lock_timeout', '100ms', false)");
      one.setAutoCommit(false);
      other.setAutoCommit(false);
      ask(one, enqueueCall("a1", A + ", in_priority => 5"));
      for (String first : new String[] {B, ", in_priority => 5"}) {
        assertThatThrownBy(() -> ask(other, enqueueCall("waits", first)))
            .hasMessageContaining("lock timeout");
        other.rollback();
      }
      one.commit();
      ask(one, enqueueCall("a2", A + ", in_priority => 5"));
      ask(other, enqueueCall("a3", A + ", in_priority => 5"));
      ask(other, enqueueCall("b1", B + ", in_priority => 5"));
      other.commit();
      one.commit();
    }
    assertThat(take(9)).isEqualTo("a1,b1");
  }

  @Test
  void acksOfSeveralKeysDoNotWaitForEachOther() throws Exception {
    for (String key : new String[] {"A", "B", "C", "D"}) {
      enqueue(
          key + "1",
          ", in_key => '" + key + "', in_priority => " + (key.compareTo("B") > 0 ? 1 : 0));
      enqueue(
          key + "2",
          ", in_key => '" + key + "', in_priority => " + (key.compareTo("B") > 0 ? 1 : 0));
    }
    take(9);
    take(9);
    for (int i = 0; i < 3; i++) { // the lane begins above what is behind, as far as it may
      database.execute("UPDATE ${schema}.lane SET look_at = '-infinity'");
      tidy();
    }
    try (Connection one = database.connect();
        Connection other = database.connect()) {
      splitAll();
      one.setAutoCommit(false);
      other.setAutoCommit(false);
      ask(other, "SELECT set_config('lock_timeout', '3s', false)");
      ask(one, ackCall("A1"));
      ask(other, ackCall("C1"));
      ask(other, ackCall("B1"));
      ask(one, ackCall("D1"));
      one.commit();
      other.commit();
    }
    assertThat(take(9)).isEqualTo("C2,D2,A2,B2");
  }

  /** So that nobody waits for who acks another message of the same claim. */
  private void splitAll() {
    ask(
        "SELECT count(${schema}.claim_split(session, claim, id, id)) FROM ${schema}.in_flight WHERE queue = '%s'"
            .formatted(queue));
  }
}
