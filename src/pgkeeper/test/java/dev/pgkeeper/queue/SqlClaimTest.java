package dev.pgkeeper.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What a session, or a lease, has of a queue, and how it ends. */
class SqlClaimTest extends SqlQueueTest {

  @Test
  void whatIsAckedIsGoneAndCannotBeAckedTwice() {
    enqueue("a");
    enqueue("b");
    take(1);
    long first = claim();
    assertThat(takeAfter("{" + first + "}")).isEqualTo("b");
    assertThat(places()).isEqualTo("0 0 0 0 1 0");
    assertThat(takeAfter("{" + first + "}")).isEqualTo("refused " + first + ": sleeps");
  }

  @Test
  void aLostReplyIsAskedForAgain() {
    enqueue("a");
    enqueue("b");
    String lost = takeCall(session, 2, "NULL, false, NULL, NULL, NULL, true, false");
    assertThat(ask(lost)).isEqualTo("a,b");
    assertThat(ask(lost.replace("true, false)", "true, true)"))).isEqualTo("a,b");
    assertThat(places()).isEqualTo("0 0 0 0 2 0");
    assertThatThrownBy(
            () -> {
              enqueue("c");
              ask(lost);
            })
        .as("the first one, late")
        .rootCause()
        .extracting("SQLState")
        .isEqualTo("23505");
    assertThat(places()).isEqualTo("1 0 0 0 2 0");
  }

  @Test
  void aLostReplyThatOnlyAckedIsAskedForAgain() {
    enqueue("a");
    take(1);
    String rest = "NULL, false, '{" + claim() + "}', NULL, NULL, true, false";
    String lost = takeCall(session, 1, rest);
    assertThat(ask(lost)).isEqualTo("sleeps");
    assertThat(ask(lost.replace("true, false)", "true, true)"))).isEqualTo("nothing");
  }

  /** The claim that proved the acks went with its lease, and the acks were told to be refused. */
  @Test
  void aLostReplyIsAskedForAgainAlsoAfterTheLease() {
    enqueue("a");
    enqueue("b");
    take(1);
    String lost = takeCall(session, 1, "1, false, '{" + claim() + "}', NULL, NULL, true, false");
    assertThat(ask(lost)).isEqualTo("b");
    tidyUntil("expired", "SELECT claimed = 0 FROM ${schema}.queues WHERE queue = '" + queue + "'");
    assertThat(ask(lost.replace("true, false)", "true, true)"))).isEqualTo("nothing");
    long expired = claim();
    assertThat(takeAfter("{" + expired + "}")).isEqualTo("refused " + expired + ": b");
  }

  @Test
  void aLeaseThatIsOverGivesBackAndItsAckIsRefused() {
    enqueue("a");
    String claimed =
        ask("SELECT claim || ', ' || id FROM ${schema}.take_leased('" + queue + "', 1, '1 ms')");
    tidyUntil("expired", "SELECT ready = 1 FROM ${schema}.queues WHERE queue = '" + queue + "'");
    assertThatThrownBy(() -> ask("SELECT ${schema}.ack(" + claimed + ")"))
        .rootCause()
        .extracting("SQLState")
        .isEqualTo("PK003");
    assertThat(ask("SELECT ${schema}.nack(" + claimed + ")")).isEqualTo("f");
    assertThat(ask("SELECT ${schema}.extend(" + claimed.replaceAll(",.*", "") + ", 1000)"))
        .isEqualTo("f");
    assertThat(ask("SELECT tries FROM ${schema}.take_leased('" + queue + "', 1, '1 min')"))
        .isEqualTo("2");
  }

  @Test
  void eachOfSeveralLeasedMessagesIsAckedUnderItsOwnClaim() {
    enqueue("a");
    enqueue("b");
    enqueue("c");
    assertThat(
            ask(
                "SELECT count(${schema}.ack(claim, id)) FROM ${schema}.take_leased('"
                    + queue
                    + "', 3, '1 min')"))
        .isEqualTo("3");
    assertThat(places()).isEqualTo("0 0 0 0 0 0");
  }

  @Test
  void anExtendedLeaseLastsLonger() {
    enqueue("a");
    ask(takeCall(session, 1, "60000, false, NULL, NULL, NULL, true, false"));
    assertThat(ask("SELECT ${schema}.extend(" + claim() + ", NULL, " + session + ")"))
        .isEqualTo("t");
    assertThat(ask("SELECT until IS NULL FROM ${schema}.in_flight WHERE queue = '" + queue + "'"))
        .isEqualTo("t");
  }

  @Test
  void aSessionsClaimsAreBackInTheTransactionThatEndsIt() throws Exception {
    enqueue("a");
    enqueue("b");
    take(2);
    String ack = ackCall("a");
    try (Connection reaper = database.connect()) {
      reaper.setAutoCommit(false);
      ask(reaper, "SELECT ${schema}.session_end(" + session + ")");
      assertThat(places()).isEqualTo("0 0 0 0 2 0");
      reaper.commit();
    }
    assertThat(places()).isEqualTo("2 0 0 0 0 0");
    assertThatThrownBy(() -> ask(ack)).rootCause().extracting("SQLState").isEqualTo("PK003");
  }

  @Test
  void anAckInACallersTransactionCountsWhenItCommits() throws Exception {
    enqueue("a");
    take(1);
    try (Connection caller = database.connect()) {
      caller.setAutoCommit(false);
      ask(caller, ackCall("a"));
      caller.rollback();
      assertThat(places()).isEqualTo("0 0 0 0 1 0");
      ask(caller, ackCall("a"));
      CompletableFuture<String> end =
          CompletableFuture.supplyAsync(() -> ask("SELECT ${schema}.session_end(" + session + ")"));
      awaitOneBlocked("session_end");
      caller.commit();
      end.join();
    }
    assertThat(places()).isEqualTo("0 0 0 0 0 0");
  }

  /** The new claim came after the session's end had looked, and was nobody's for good. */
  @Test
  void aSplitClaimEndsWithItsSession() throws Exception {
    enqueue("a");
    enqueue("b");
    take(2);
    String id = ask("SELECT min(id) FROM ${schema}.in_flight WHERE queue = '" + queue + "'");
    try (Connection splitting = database.connect()) {
      splitting.setAutoCommit(false);
      String split = "SELECT ${schema}.claim_split(%d, %d, %s, 77)".formatted(session, claim(), id);
      assertThat(ask(splitting, split)).isEqualTo("t");
      assertThat(ask(splitting, split)).as("again").isEqualTo("t");
      CompletableFuture<String> end =
          CompletableFuture.supplyAsync(() -> ask("SELECT ${schema}.session_end(" + session + ")"));
      awaitOneBlocked("session_end");
      splitting.commit();
      end.join();
    }
    assertThat(places()).isEqualTo("2 0 0 0 0 0");
  }

  @Test
  void whatTheClientDoesNotKnowIsGivenBack() {
    enqueue("a");
    enqueue("b");
    take(1);
    take(1);
    assertThat(
            ask(
                "SELECT ${schema}.claims_forget(%d, '{%d}', %d)"
                    .formatted(session, claim() - 1, claim())))
        .isEqualTo("0");
    assertThat(
            ask(
                "SELECT ${schema}.claims_forget(%d, '{%d}', %d)"
                    .formatted(session, claim(), claim())))
        .isEqualTo("1");
    assertThat(places()).isEqualTo("1 0 0 0 1 0");
    assertThat(take(1)).isEqualTo("a");
  }

  @Test
  void aQueueThatIsDroppedTakesItsClaimsAndWhatComesLateGoesToo() throws Exception {
    enqueue("a");
    enqueue("b");
    take(1);
    try (Connection caller = database.connect()) {
      caller.setAutoCommit(false);
      ask(caller, enqueueCall("late", ""));
      String id = ask("SELECT id FROM ${schema}.queue WHERE name = '" + queue + "'");
      assertThat(ask("SELECT ${schema}.queue_drop('" + queue + "')")).isEqualTo("t");
      caller.commit();
      assertThat(ask("SELECT count(*) FROM ${schema}.message WHERE queue = " + id)).isEqualTo("1");
      tidy();
      assertThat(ask("SELECT count(*) FROM ${schema}.message WHERE queue = " + id)).isEqualTo("0");
      assertThat(ask("SELECT count(*) FROM ${schema}.claim WHERE queue = " + id)).isEqualTo("0");
    }
    assertThatThrownBy(() -> take(1)).rootCause().extracting("SQLState").isEqualTo("PK004");
  }
}
