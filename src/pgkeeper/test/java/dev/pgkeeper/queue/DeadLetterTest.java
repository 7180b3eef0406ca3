package dev.pgkeeper.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.Await;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is not tried again, and how it is. */
class DeadLetterTest {
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

  @Test
  void theLastTryEndsUnderTheDeadLettersWithItsErrorAndARedriveBeginsAnew() throws Exception {
    MessageQueue<String> queue =
        fixture.newQueue(
            keeper, QueueOptions.defaults().withMostTries(2).withBackoff(Duration.ofMillis(1)));
    long id = queue.enqueue(Outgoing.of("x").headers(Map.of("h", "1")).priority(4)).id();
    queue.take().orElseThrow().nack("first");
    queue.take(Await.LIMIT).orElseThrow().nack(new IllegalStateException("second"));

    DeadLetters letters = queue.deadLetters();
    DeadLetter dead = letters.list(10).get(0);
    assertThat(dead.id()).isEqualTo(id);
    assertThat(dead.reason()).isEqualTo("tried 2 times");
    assertThat(dead.error()).isEqualTo("java.lang.IllegalStateException: second");
    assertThat(dead.tries()).isEqualTo(2);
    assertThat(dead.payload()).asString().isEqualTo("x");
    assertThat(dead.headers()).containsEntry("h", "1");

    assertThat(letters.redrive(id + 1)).isZero();
    assertThat(letters.redrive(id)).isEqualTo(1);
    Message<String> again = queue.take().orElseThrow().message();
    assertThat(again.attempt()).isEqualTo(1);
    assertThat(again.priority()).isEqualTo(4);
    assertThat(letters.list(1)).isEmpty();
  }

  @Test
  void redriveAndDiscardTakeAllOrThoseOfAnAge() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    queue.enqueueAll(List.of("a", "b", "c", "d"));
    for (Delivery<String> delivery : queue.take(4, Await.LIMIT)) {
      delivery.bury("not wanted");
    }
    DeadLetters letters = queue.deadLetters();
    assertThat(letters.list(2))
        .extracting(DeadLetter::reason)
        .containsExactly("given up", "given up");
    assertThat(letters.redriveOlderThan(Duration.ofHours(1))).isZero();
    assertThat(letters.discardOlderThan(Duration.ofHours(1))).isZero();
    assertThat(letters.discard(letters.list(1).get(0).id())).isEqualTo(1);
    assertThat(letters.redriveOlderThan(Duration.ZERO)).isEqualTo(3);
    queue.take().orElseThrow().bury("again");
    assertThat(letters.redriveAll()).isEqualTo(1);
    queue.take().orElseThrow().bury("again");
    assertThat(letters.discardAll()).isEqualTo(1);
    assertThat(queue.size()).isEqualTo(new QueueSize(2, 0, 0, 0, 0));
  }

  @Test
  void moreThanOneCallTakesAreRedrivenOrPurged() {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    queue.enqueue("x");
    queue.take().orElseThrow().bury("x");
    fixture.database.execute(
        "INSERT INTO ${schema}.dead_letter SELECT d.queue, d.id - i, d.died, '', ROW(d.id - i, d.queue, NULL, 0, 1, d.died, NULL, NULL, NULL, NULL, '', '')::${schema}.message"
            + " FROM ${schema}.dead_letter d, generate_series(1, 2500) i"
            + of(queue));
    long[] ids = queue.deadLetters().list(1500).stream().mapToLong(DeadLetter::id).toArray();
    assertThat(queue.deadLetters().redrive(ids)).isEqualTo(1500);
    assertThat(queue.deadLetters().redriveAll()).isEqualTo(1001);
    queue.enqueue(Outgoing.of("keyed, so that fewer go at once").key("k"));
    assertThat(queue.purge()).isEqualTo(2502);
  }

  private static String of(MessageQueue<?> queue) {
    return " WHERE d.queue = (SELECT q.id FROM ${schema}.queue q WHERE q.name = '"
        + queue.name()
        + "')";
  }

  /** It would never end. */
  @Test
  @Timeout(value = 2, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void whatDiesAgainMeanwhileIsNotRedrivenAgain() {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    queue.enqueue("x");
    queue.take().orElseThrow().bury("x");
    fixture.database.execute(
        "INSERT INTO ${schema}.dead_letter SELECT d.queue, d.id - i, d.died, '', d.message FROM ${schema}.dead_letter d, generate_series(1, 1200) i"
            + of(queue));
    fixture.database.execute(
        "CREATE FUNCTION ${schema}.dies() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            + " INSERT INTO ${schema}.dead_letter VALUES (new.queue, nextval('${schema}.zxid') << 10, clock_timestamp(), '', new);"
            + " RETURN NULL; END $$");
    fixture.database.execute(
        "CREATE TRIGGER dies BEFORE INSERT ON ${schema}.message FOR EACH ROW WHEN (new.tries = 0 AND new.error IS NOT NULL) EXECUTE FUNCTION ${schema}.dies()");
    try {
      assertThat(queue.deadLetters().redriveAll()).isGreaterThanOrEqualTo(1201);
    } finally {
      fixture.database.execute("DROP TRIGGER dies ON ${schema}.message");
    }
    assertThat(queue.size().dead()).isEqualTo(1201);
  }

  @Test
  void theBackoffGrowsUpToItsLimit() throws Exception {
    MessageQueue<String> queue =
        fixture.newQueue(
            keeper,
            QueueOptions.defaults()
                .withBackoff(Duration.ofHours(1))
                .withLongestBackoff(Duration.ofHours(3)));
    queue.enqueue("x");
    String due =
        "SELECT round(extract(epoch FROM max(due) - clock_timestamp()) / 3600) FROM ${schema}.message";
    for (int hours : new int[] {1, 2, 3, 3}) {
      queue.take(Await.LIMIT).orElseThrow().nack();
      assertThat(fixture.database.queryLong(due)).isEqualTo(hours);
      fixture.database.execute("UPDATE ${schema}.message SET due = clock_timestamp()");
    }
  }

  @Test
  void aMessageWhoseTimeIsOverIsNotTakenAndGoesUnderTheDeadLetters() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    queue.enqueue(Outgoing.of("short").timeToLive(Duration.ofMillis(1)));
    Await.pause(Duration.ofMillis(2)); // the time itself is what this is about
    assertThat(queue.take()).isEmpty();
    Await.until("a dead letter", () -> queue.size().dead() == 1);
    assertThat(queue.deadLetters().list(1).get(0).reason()).isEqualTo("its time was over");
  }
}
