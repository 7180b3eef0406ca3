package dev.pgkeeper.queue;

import static dev.pgkeeper.queue.QueueFixture.same;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Session;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.SessionLog;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A consumer is there for good: it goes on in the session after a lost one. */
class ConsumerAcrossSessionsTest {
  private static final Duration NOT_AT_ALL = Duration.ZERO;

  private QueueFixture fixture;
  private Keeper keeper;
  private Keeper other;
  private final Heard<String> handled = new Heard<>();

  @BeforeEach
  void open() {
    fixture = new QueueFixture();
    keeper = fixture.connect();
    other = fixture.connect();
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  private void lose() {
    Session lost = keeper.session();
    SessionLog.lose(fixture.database, keeper);
    assertThat(keeper.session()).isNotSameAs(lost);
  }

  @Test
  void itGoesOnAndRunsAllTheTime() {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    try (MessageConsumer consumer =
        queue.consume(ConsumeOptions.defaults(), message -> handled.add(message.body()))) {
      for (int round = 0; round < 3; round++) {
        same(queue, other).enqueue("message " + round);
        handled.await("message " + round);
        lose();
        assertThat(consumer.isRunning()).isTrue();
      }
      same(queue, other).enqueue("last");
      handled.await("last");
    }
    assertThat(queue.size()).isEqualTo(new QueueSize(0, 0, 0, 0, 0));
  }

  /** What they handle is somebody else's by now, and they take up their threads all the same. */
  @Test
  void handlersThatStillRunInALostSessionCountInTheNextOne() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    MessageQueue<String> later = fixture.newQueue(keeper);
    AtomicInteger running = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    Semaphore begun = new Semaphore(0);
    Semaphore may = new Semaphore(0);
    queue.enqueueAll(List.of("a", "b", "c", "d"));
    MessageConsumer consumer =
        queue.consume(
            ConsumeOptions.defaults().withConcurrency(2),
            message -> {
              most.accumulateAndGet(running.incrementAndGet(), Math::max);
              begun.release();
              may.acquireUninterruptibly();
              running.decrementAndGet();
              handled.add(message.body());
            });
    try (MessageConsumer begunAfterIt =
        later.consume(ConsumeOptions.defaults(), message -> handled.add(message.body()))) {
      begun.acquire(2);
      lose();
      lose();
      later.enqueue("in the next session");
      handled.await("in the next session");
      assertThat(begun.availablePermits()).as("begun before another one has ended").isZero();
      may.release(1);
      begun.acquire(1);
      assertThat(consumer.stop(NOT_AT_ALL)).as("some still run").isFalse();
      may.release(2);
      assertThat(consumer.stop(Await.LIMIT)).isTrue();
      assertThat(running).hasValue(0);
      assertThat(most).hasValue(2);
      assertThat(begunAfterIt.isRunning()).isTrue();
    }
  }

  @Test
  void oneWhoseQueueIsGoneDoesNotComeBack() {
    Topic<String> topic = keeper.topic(fixture.newName(), Codec.text());
    MessageQueue<String> queue = topic.subscribe("all");
    try (MessageConsumer consumer =
        queue.consume(ConsumeOptions.defaults(), message -> handled.add(message.body()))) {
      assertThat(topic.unsubscribe("all")).isTrue();
      Await.until("it ends", () -> !consumer.isRunning());
      topic.subscribe("all");
      lose();
      topic.publish("to nobody");
      Await.until("one ready", () -> queue.size().ready() == 1);
      assertThat(consumer.isRunning()).isFalse();
    }
    assertThat(handled.all()).isEmpty();
  }

  @Test
  void whatWasTakenInALostSessionIsNoneOfTheNextOnes() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    queue.enqueue("a");
    List<Delivery<String>> taken = queue.take(1, Await.LIMIT);
    lose();
    List<Delivery<String>> again = queue.take(1, Await.LIMIT);
    assertThat(again.get(0).message().attempt()).isEqualTo(2);
    assertThatThrownBy(() -> queue.ackAndTake(taken, 1, NOT_AT_ALL))
        .isInstanceOf(KeeperException.NotHeld.class);
    again.get(0).ack();
    assertThat(queue.size()).isEqualTo(new QueueSize(0, 0, 0, 0, 0));
  }
}
