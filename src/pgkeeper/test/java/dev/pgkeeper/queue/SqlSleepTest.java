package dev.pgkeeper.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.Await;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.postgresql.PGConnection;

/**
 * Whoever goes to sleep while a message comes finds it, or is rung, or is told that it does not
 * sleep. Each way in which a message comes is stopped between its last lock and its commit, before
 * and after the consumer looks.
 */
class SqlSleepTest extends SqlQueueTest {

  private Connection listener;

  @BeforeEach
  void listen() throws SQLException {
    listener = database.connect();
    try (Statement statement = listener.createStatement()) {
      statement.execute("LISTEN \"" + database.channel(session) + "\"");
    }
  }

  @AfterEach
  void close() throws SQLException {
    listener.close();
  }

  /** What brings a message, and what has to be there before it. */
  enum Coming {
    ENQUEUED("", "enqueue('%s', 'm')"),
    ENQUEUED_WITH_A_KEY("", "enqueue('%s', 'm', in_key => 'K')"),
    RESUMED("enqueue('%1$s', 'm'), ${schema}.pause('%1$s')", "resume('%s')"),
    RESUMED_WITH_A_KEY(
        "enqueue('%1$s', 'm', in_key => 'K'), ${schema}.pause('%1$s')", "resume('%s')"),
    REDRIVEN("enqueue('%s', 'm', in_life => '1 ms'), pg_sleep(0.002)", "redrive('%s')"),
    DUE("enqueue('%s', 'm', in_delay => '1 ms'), pg_sleep(0.002)", "queue_tidy('{%s}')"),
    GIVEN_BACK("enqueue('%s', 'm')", "nack(0, 0, in_delay => '0')"),
    FREED_BY_AN_ACK(
        "enqueue('%1$s', 'first', in_key => 'K'), ${schema}.enqueue('%1$s', 'm', in_key => 'K')",
        "ack(0, 0)"),
    PUBLISHED("", "publish('%s', 'm')");

    final String before;
    final String coming;

    Coming(String before, String coming) {
      this.before = before;
      this.coming = coming;
    }
  }

  /** Brings about what has to be there; the call that then brings the message. */
  private String prepare(Coming coming) {
    if (coming == Coming.PUBLISHED) {
      String topic = queue;
      ask("SELECT ${schema}.subscribe('" + topic + "', 's')");
      queue = topic + "/s";
      return "SELECT ${schema}." + coming.coming.formatted(topic);
    }
    if (!coming.before.isEmpty()) {
      ask("SELECT ${schema}." + coming.before.formatted(queue));
    }
    String call = coming.coming.formatted(queue);
    if (coming == Coming.REDRIVEN) {
      tidy();
    } else if (call.contains("0, 0")) {
      call =
          call.replace(
              "0, 0",
              ask(
                  "SELECT claim || ', ' || id FROM ${schema}.take_leased('"
                      + queue
                      + "', 1, '1 h')"));
    }
    return "SELECT ${schema}." + call;
  }

  private boolean isRung() throws SQLException {
    var rings = listener.unwrap(PGConnection.class).getNotifications(1);
    return rings != null && rings.length > 0 && rings[0].getParameter().equals("queue " + queue);
  }

  private void assertRung() {
    Await.until(
        "rung",
        () -> {
          try {
            return isRung();
          } catch (SQLException e) {
            throw new IllegalStateException(e);
          }
        });
    assertThat(take(1)).isEqualTo("m");
  }

  @ParameterizedTest
  @EnumSource
  void whoeverSleptBeforeIsRung(Coming coming) {
    String call = prepare(coming);
    assertThat(take(1)).isEqualTo("sleeps");
    ask(call);
    assertRung();
  }

  @ParameterizedTest
  @EnumSource
  void whoeverLooksBeforeTheCommitDoesNotSleep(Coming coming) throws Exception {
    String call = prepare(coming);
    try (Connection other = database.connect()) {
      other.setAutoCommit(false);
      ask(other, call);
      assertThat(take(1)).isEqualTo("nothing");
      other.commit();
    }
    assertThat(take(1)).isEqualTo("m");
  }

  @ParameterizedTest
  @EnumSource
  void whoeverIsGoingToSleepIsWaitedForAndRung(Coming coming) throws Exception {
    String call = prepare(coming);
    try (Connection sleeper = database.connect()) {
      sleeper.setAutoCommit(false);
      assertThat(ask(sleeper, takeCall(session, 1, "NULL, false, NULL, NULL, NULL, true, false")))
          .isEqualTo("sleeps");
      CompletableFuture<String> comes = CompletableFuture.supplyAsync(() -> ask(call));
      awaitOneBlocked(coming.coming.replaceAll("\\(.*", ""));
      sleeper.commit();
      comes.join();
    }
    assertRung();
  }

  /** It was left to that transaction, which took its time. */
  @Test
  void whomALongTransactionIsAboutToRingIsRungByOthersToo() throws Exception {
    assertThat(take(1)).isEqualTo("sleeps");
    try (Connection caller = database.connect()) {
      caller.setAutoCommit(false);
      ask(caller, enqueueCall("late", ""));
      enqueue("m");
      assertRung();
      caller.rollback();
    }
  }

  @Test
  void asManyAreRungAsThereAreMessages() throws Exception {
    for (int i = 0; i < 4; i++) {
      ask(takeCall(openSession(), 1, "NULL, false, NULL, NULL, NULL, true, false"));
    }
    enqueue("a");
    enqueue("b");
    assertThat(ask("SELECT sleeping FROM ${schema}.queues WHERE queue = '" + queue + "'"))
        .isEqualTo("2");
    assertThat(isRung()).isFalse();
  }

  @Test
  void whoeverSleepsIsRungHoweverManyCameAndWentMeanwhile() {
    assertThat(take(1)).isEqualTo("sleeps");
    manyComeAndGo();
    ask(takeCall(openSession(), 1, "NULL, false, NULL, NULL, NULL, true, false"));
    tidy();
    enqueue("m");
    assertRung();

    tidy();
    assertThat(ask("SELECT idle_low > 5000 FROM ${schema}.queue WHERE name = '" + queue + "'"))
        .isEqualTo("t");
    enqueue("for the other one");
    assertThat(ask("SELECT sleeping FROM ${schema}.queues WHERE queue = '" + queue + "'"))
        .isEqualTo("0");
    assertThat(take(1)).isEqualTo("for the other one");
  }

  @Test
  void whoeverSleepsNextIsRungWhereNobodySleptWhenItWasLookedAt() {
    manyComeAndGo();
    tidy();
    assertThat(take(1)).isEqualTo("sleeps");
    enqueue("m");
    assertRung();
  }

  @Test
  void whereTheSleepersBeginIsNotLookedForWhileSomebodyEnqueues() throws Exception {
    manyComeAndGo();
    try (Connection other = database.connect()) {
      other.setAutoCommit(false);
      ask(other, enqueueCall("late", ""));
      tidy();
      assertThat(ask("SELECT idle_low FROM ${schema}.queue WHERE name = '" + queue + "'"))
          .isEqualTo("0");
      other.rollback();
    }
  }

  private void manyComeAndGo() {
    ask("SELECT setval('${schema}.idle_number', nextval('${schema}.idle_number') + 6000)");
  }

  @Test
  void aSessionThatEndsIsNotRung() {
    take(1);
    ask("SELECT ${schema}.session_end(" + session + ")");
    assertThat(ask("SELECT sleeping FROM ${schema}.queues WHERE queue = '" + queue + "'"))
        .isEqualTo("0");
  }
}
