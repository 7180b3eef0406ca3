package dev.pgkeeper.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Await;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What is wrong gets an error that says what, where, and what to do; nothing is changed by it. */
class QueueMisuseTest {
  private static QueueFixture fixture;
  private static Keeper keeper;
  private static final Instant YEAR_10000 = Instant.parse("+10000-01-01T00:00:00Z");

  @BeforeAll
  static void open() {
    fixture = new QueueFixture();
    keeper = fixture.connect();
  }

  @AfterAll
  static void close() {
    fixture.close();
  }

  static Stream<Arguments> wrong() {
    return Stream.of(
        wrong("priority is 1001", () -> Outgoing.of("x").priority(1001)),
        wrong("delay is PT-1S", () -> Outgoing.of("x").delay(Duration.ofSeconds(-1))),
        wrong("delay is PT-1S", () -> new RetryLater(Duration.ofSeconds(-1))),
        wrong("notBefore is +10000", () -> Outgoing.of("x").notBefore(YEAR_10000)),
        wrong("timeToLive is PT0S", () -> Outgoing.of("x").timeToLive(Duration.ZERO)),
        wrong("a key has 0 characters", () -> Outgoing.of("x").key("")),
        wrong("mostTries is 0", () -> QueueOptions.defaults().withMostTries(0)),
        wrong(
            "backoff is PT-1S", () -> QueueOptions.defaults().withBackoff(Duration.ofSeconds(-1))),
        wrong("concurrency is 0", () -> ConsumeOptions.defaults().withConcurrency(0)),
        wrong("prefetch is -1", () -> ConsumeOptions.defaults().withPrefetch(-1)),
        wrong("a queue's name has 0 bytes", () -> keeper.queue("", Codec.text())),
        wrong("a control character", () -> keeper.queue("a\nb", Codec.text())),
        wrong("0 messages at once", () -> fixture.newQueue(keeper).take(0, Await.LIMIT)),
        wrong(
            "1001 messages at once",
            () -> fixture.newQueue(keeper).enqueueAll(Collections.nCopies(1001, "x"))),
        wrong("timeout is PT-1S", () -> fixture.newQueue(keeper).take(Duration.ofSeconds(-1))));
  }

  private static Arguments wrong(String says, ThrowingCallable call) {
    return Arguments.of(says, call);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrong")
  void badArgumentsAreNamed(String says, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(says);
  }

  @Test
  void aQueueThatIsNotToBeMadeIsAskedFor() {
    MessageQueue<String> queue =
        fixture.newQueue(keeper, QueueOptions.defaults().withCreation(false));
    for (ThrowingCallable call :
        List.<ThrowingCallable>of(
            () -> queue.enqueue("x"),
            () -> queue.enqueue(Outgoing.of("x").key("k")),
            queue::take,
            () -> queue.peek(1),
            queue::size,
            queue::pause,
            queue::purge,
            queue::deadLetters,
            () -> queue.consume(ConsumeOptions.defaults(), message -> {}))) {
      assertThatThrownBy(call)
          .isInstanceOf(KeeperException.NoQueue.class)
          .hasMessageContaining(queue.name())
          .hasMessageContaining("queue_create");
    }
  }

  @Test
  void aMessageThatIsTooLargeIsRefusedAndNoneOfItsBatchIsThere() {
    MessageQueue<String> queue = fixture.newQueue(keeper, QueueOptions.defaults().withMostBytes(4));
    assertThatThrownBy(() -> queue.enqueueAll(List.of("good", "large")))
        .isInstanceOf(KeeperException.MessageRefused.class)
        .hasMessageContaining("5 bytes")
        .hasMessageContaining(queue.name())
        .hasMessageContaining("Keep what is large elsewhere");
    assertThat(queue.size().live()).isZero();
  }

  @Test
  void aDeliveryEndsOnce() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    queue.enqueueAll(List.of("a", "b"));
    Delivery<String> acked = queue.take().orElseThrow();
    assertThat(acked.isHeld()).isTrue();
    acked.ack();
    assertThat(acked.isHeld()).isFalse();
    for (ThrowingCallable again :
        List.<ThrowingCallable>of(
            acked::ack,
            acked::nack,
            acked::release,
            () -> acked.bury("x"),
            () -> queue.ackAndTake(List.of(acked), 1, Duration.ZERO))) {
      assertThatThrownBy(again)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("was acked before");
    }
    Delivery<String> released = queue.take().orElseThrow();
    released.release();
    assertThatThrownBy(released::ack)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("was given back before");
    assertThatThrownBy(() -> queue.take().orElseThrow().extend(Await.LIMIT))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("without a lease");
  }

  @Test
  void anAckAfterTheLeaseIsRefusedAndSomebodyElseHasTheMessage() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    queue.enqueue("x");
    Delivery<String> leased = queue.take(1, Await.LIMIT, Duration.ofMillis(1)).get(0);
    Delivery<String> again = queue.take(Await.LIMIT).orElseThrow();
    assertThat(again.message().attempt()).isEqualTo(2);
    assertThat(leased.isHeld()).isFalse();
    assertThatThrownBy(leased::ack)
        .isInstanceOf(KeeperException.NotHeld.class)
        .hasMessageContaining(queue.name());
    again.ack();
  }
}
