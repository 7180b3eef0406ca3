package dev.pgkeeper.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.internal.observe.Observation;
import dev.pgkeeper.internal.observe.QueueDepth;
import dev.pgkeeper.testing.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** How seldom the database is asked how full queues are. */
class QueueDepthsTest {
  private final Observation observation = new Observation();
  private final QueueDepths depths = new QueueDepths(observation);

  @Test
  void manyReadingsOfManyQueuesAskOnceForAll() {
    List<Collection<String>> asked = Collections.synchronizedList(new ArrayList<>());
    observation.follow(new CountedSubject(asked::add));
    depths.ask("a");
    depths.ask("b");
    for (int i = 0; i < 100; i++) {
      assertThat(depths.of("a", QueueDepth::ready)).isEqualTo(7);
      assertThat(depths.of("b", depth -> depth.oldest().toSeconds())).isEqualTo(3);
    }
    assertThat(asked).hasSize(1);
    assertThat(asked.get(0)).containsExactlyInAnyOrder("a", "b");
  }

  @Test
  void aDatabaseThatDoesNotAnswerKeepsWhoReadsOnlyOnceAndForAMoment() {
    CountDownLatch over = new CountDownLatch(1);
    List<Collection<String>> asked = Collections.synchronizedList(new ArrayList<>());
    observation.follow(
        new CountedSubject(
            names -> {
              asked.add(names);
              awaitUninterrupted(over);
            }));
    depths.ask("a");
    for (int i = 0; i < 1000; i++) { // a second each would be a quarter of an hour
      assertThat(depths.of("a", QueueDepth::ready)).isNaN();
    }
    assertThat(asked).hasSize(1);
    over.countDown();
  }

  private static void awaitUninterrupted(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void whatCouldNotBeReadIsNotANumber() {
    observation.follow(
        new CountedSubject(
            names -> {
              throw new IllegalStateException("as it should");
            }));
    depths.ask("a");
    assertThat(depths.of("a", QueueDepth::ready)).isNaN();
  }

  @Test
  void whatCouldNotBeReadIsReadTheNextTime() {
    QueueDepths impatient = new QueueDepths(observation, Duration.ZERO);
    AtomicBoolean away = new AtomicBoolean(true);
    observation.follow(
        new CountedSubject(
            names -> {
              if (away.getAndSet(false)) {
                throw new IllegalStateException("as it should");
              }
            }));
    impatient.ask("a");
    assertThat(impatient.of("a", QueueDepth::ready)).isNaN();
    Await.until("a number", () -> impatient.of("a", QueueDepth::ready) == 7);
  }

  @Test
  void aQueueThatIsGoneIsNotANumber() {
    observation.follow(new CountedSubject(names -> {}));
    depths.ask("a");
    assertThat(depths.of("a", QueueDepth::ready)).isEqualTo(7);
    assertThat(depths.of("gone", QueueDepth::ready)).isNaN();
  }
}
