package dev.pgkeeper.queue;

import static dev.pgkeeper.queue.QueueFixture.LONG;
import static dev.pgkeeper.queue.QueueFixture.bodies;
import static dev.pgkeeper.queue.QueueFixture.same;
import static dev.pgkeeper.testing.Futures.onThread;
import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Enqueueing, taking, acking, giving back. */
class MessageQueueTest {
  private static QueueFixture fixture;
  private static Keeper keeper;
  private static Keeper other;

  @BeforeAll
  static void open() {
    fixture = new QueueFixture();
    keeper = fixture.connect();
    other = fixture.connect();
  }

  @AfterAll
  static void close() {
    fixture.close();
  }

  @Test
  void whatWasEnqueuedIsTakenFirstComeFirstServedAndGoneOnceAcked() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    long first = queue.enqueue("a");
    List<Long> further = queue.enqueueAll(List.of("b", "c"));
    assertThat(further).isSorted().allMatch(id -> id > first);

    Delivery<String> a = queue.take().orElseThrow();
    assertThat(a.message().id()).isEqualTo(first);
    assertThat(a.message().attempt()).isEqualTo(1);
    assertThat(bodies(same(queue, other).take(10, Await.LIMIT))).containsExactly("b", "c");
    assertThat(queue.size()).isEqualTo(new QueueSize(0, 0, 0, 3, 0));

    a.ack();
    assertThat(queue.size().live()).isEqualTo(2);
  }

  @Test
  void aHigherPriorityIsTakenFirstAndThenWhoCameFirst() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    queue.enqueue(
        List.of(
            Outgoing.of("low").priority(-5),
            Outgoing.of("usual 1"),
            Outgoing.of("high 1").priority(7),
            Outgoing.of("usual 2"),
            Outgoing.of("high 2").priority(7)));
    assertThat(bodies(queue.take(10, Await.LIMIT)))
        .containsExactly("high 1", "high 2", "usual 1", "usual 2", "low");
  }

  @Test
  void ackAndTakeAcksABatchAsAWholeOrAPartOfIt() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    queue.enqueueAll(IntStream.range(0, 10).mapToObj(Integer::toString).toList());
    List<Delivery<String>> first = queue.take(4, Await.LIMIT);
    List<Delivery<String>> second = queue.ackAndTake(first, 4, Await.LIMIT);
    assertThat(bodies(second)).containsExactly("4", "5", "6", "7");
    assertThat(first).noneMatch(Delivery::isHeld);

    List<Delivery<String>> third = queue.ackAndTake(second.subList(1, 3), 4, Await.LIMIT);
    assertThat(bodies(third)).containsExactly("8", "9");
    assertThat(queue.size()).isEqualTo(new QueueSize(0, 0, 0, 4, 0));

    List<Delivery<String>> rest = new ArrayList<>(third);
    rest.add(second.get(0));
    rest.add(second.get(3));
    assertThat(queue.ackAndTake(rest, 1, Duration.ZERO)).isEmpty();
    assertThat(queue.size().live()).isZero();
  }

  @Test
  void aNackedMessageComesBackAfterItsDelayWithOneAttemptMore() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    queue.enqueue("again");
    queue.take().orElseThrow().nack(Duration.ofSeconds(5));
    assertThat(queue.size().delayed()).isEqualTo(1);
    Delivery<String> again = queue.take(Await.LIMIT).orElseThrow();
    assertThat(again.message().attempt()).isEqualTo(2);
    again.release();
    Delivery<String> released = queue.take().orElseThrow();
    assertThat(released.message().attempt()).as("a release is no attempt").isEqualTo(2);
  }

  @Test
  void aMessageIsNotTakenBeforeItIsDueAndIsRungForThen() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    queue.enqueue(Outgoing.of("later").delay(Duration.ofSeconds(5)));
    assertThat(queue.take()).isEmpty();
    assertThat(queue.take(Await.LIMIT).orElseThrow().body()).isEqualTo("later");
  }

  @Test
  void headersKeyPriorityAndTimesArriveAsTheyWereSent() {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    Map<String, String> headers = Map.of("trace", "1{2},\"3\"\\", "empty", "");
    queue.enqueue(
        Outgoing.of("body").headers(headers).key("k").priority(3).timeToLive(Duration.ofHours(1)));
    Message<String> message = queue.take().orElseThrow().message();
    assertThat(message.headers()).isEqualTo(headers);
    assertThat(message.key()).isEqualTo("k");
    assertThat(message.priority()).isEqualTo(3);
    assertThat(message.expires()).isEqualTo(message.enqueued().plus(Duration.ofHours(1)));
    assertThat(message.toString()).doesNotContain("body");
  }

  @Test
  void aSleepingConsumerIsRungForWhatSomebodyElseEnqueues() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    CompletableFuture<List<Delivery<String>>> taking = onThread(() -> queue.take(5, LONG));
    Await.until("a sleeper", () -> fixture.sleepers(queue) == 1);
    same(queue, other).enqueue("wake up");
    assertThat(bodies(taking.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)))
        .containsExactly("wake up");
    assertThat(fixture.sleepers(queue)).as("busy ones are not registered").isZero();
  }

  @Test
  void manyThreadsOfOneClientEachGetWhatTheyWaitFor() throws Exception {
    MessageQueue<String> queue = fixture.newQueue(keeper);
    List<CompletableFuture<Delivery<String>>> taking = new ArrayList<>();
    List<Thread> threads = new CopyOnWriteArrayList<>();
    for (int i = 0; i < 8; i++) {
      taking.add(
          onThread(
              () -> {
                threads.add(Thread.currentThread());
                return queue.take(LONG).orElseThrow();
              }));
    }
    Await.until("8 asleep", () -> threads.stream().filter(MessageQueueTest::isAsleep).count() == 8);
    assertThat(fixture.sleepers(queue)).as("one session").isEqualTo(1);
    List<String> sent = IntStream.range(0, 8).mapToObj(Integer::toString).toList();
    same(queue, other).enqueueAll(sent);
    List<String> got = new ArrayList<>();
    for (CompletableFuture<Delivery<String>> one : taking) {
      Delivery<String> delivery = one.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
      got.add(delivery.body());
      delivery.ack();
    }
    assertThat(got).containsExactlyInAnyOrderElementsOf(sent);
    assertThat(queue.size().live()).isZero();
  }

  /** Waits for a ring, not for the database. */
  private static boolean isAsleep(Thread thread) {
    Object waitsFor = LockSupport.getBlocker(thread);
    return waitsFor != null && waitsFor.getClass().getName().endsWith("QueueChannel$Wait");
  }
}
