package dev.pgkeeper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.testing.Futures;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class RetryTest {
  private static final Retry QUICK =
      Retry.defaults().pauses(Duration.ofMillis(1), Duration.ofMillis(2));

  private final AtomicInteger attempts = new AtomicInteger();

  /** Fails so often, and then tells how often it was tried. */
  private int failing(int times, Exception failure) throws Exception {
    if (attempts.incrementAndGet() <= times) {
      throw failure;
    }
    return attempts.get();
  }

  private static Exception unreachable() {
    return new KeeperException.ConnectionLoss("for the test", null);
  }

  private static Exception rolledBack(String state) {
    return new SQLException("for the test", state);
  }

  private void assertNotRepeated(Retry retry, Exception failure) {
    attempts.set(0);
    assertThatThrownBy(() -> retry.call(() -> failing(1, failure))).isSameAs(failure);
    assertThat(attempts).hasValue(1);
  }

  private void assertRepeated(Retry retry, Exception failure) throws Exception {
    attempts.set(0);
    assertThat(retry.call(() -> failing(2, failure))).isEqualTo(3);
  }

  @Test
  void whatFailedBeforeAnythingWasDoneIsDoneAgain() throws Exception {
    assertRepeated(QUICK, unreachable());
    for (String state : new String[] {"40001", "40P01"}) {
      assertRepeated(QUICK, rolledBack(state));
      assertRepeated(QUICK, new KeeperException.DatabaseError("in a call", rolledBack(state)));
    }
  }

  @Test
  void aCommitOfUnknownFateIsNotRepeatedUnlessTheCallerSaysThatThisDoesNoHarm() throws Exception {
    Exception unknown =
        new KeeperException.OutcomeUnknown("for the test", new SQLException("broken", "08006"));
    assertNotRepeated(QUICK, unknown);
    assertNotRepeated(
        QUICK, new KeeperException.OutcomeUnknown("a cause", new SQLException("", "40001")));
    assertRepeated(QUICK.evenIfOutcomeUnknown(), unknown);
    assertRepeated(QUICK.evenIfOutcomeUnknown(), unreachable());
  }

  @Test
  void answersAndOtherFailuresAreNotRepeated() throws Exception {
    assertNotRepeated(QUICK, KeeperException.of(KeeperException.Code.BAD_VERSION, "/a"));
    assertNotRepeated(QUICK, new KeeperException.SessionExpired("for the test"));
    assertNotRepeated(QUICK, new SQLException("unique", "23505"));
    assertNotRepeated(QUICK, new SQLException("no state"));
    assertNotRepeated(QUICK, new IllegalStateException("for the test"));
    assertRepeated(
        QUICK.alsoAfter(IllegalStateException.class::isInstance), new IllegalStateException());
  }

  @Test
  void theLastFailureIsThrownWhenTheAttemptsAreUsedUp() {
    Exception failure = unreachable();
    assertThatThrownBy(() -> QUICK.attempts(4).call(() -> failing(9, failure))).isSameAs(failure);
    assertThat(attempts).hasValue(4);
  }

  @Test
  void noAttemptBeginsAfterTheTimeIsOver() {
    Retry retry =
        Retry.defaults().pauses(Duration.ofDays(1), Duration.ofDays(1)).within(Duration.ofHours(1));
    assertThatThrownBy(() -> retry.run(() -> failing(9, unreachable())))
        .isInstanceOf(KeeperException.ConnectionLoss.class);
    assertThat(attempts).hasValue(1);
  }

  @Test
  void anInterruptEndsThePauseAndTheTrying() throws Exception {
    CountDownLatch failed = new CountDownLatch(1);
    Thread[] thread = new Thread[1];
    CompletableFuture<Integer> calling =
        Futures.onThread(
            () -> {
              thread[0] = Thread.currentThread();
              return Retry.defaults()
                  .pauses(Duration.ofHours(1), Duration.ofHours(1))
                  .within(Duration.ofDays(1))
                  .call(
                      () -> {
                        failed.countDown();
                        return failing(9, unreachable());
                      });
            });
    failed.await();
    thread[0].interrupt();
    assertThatThrownBy(() -> Futures.soon(calling)).isInstanceOf(InterruptedException.class);
    assertThat(attempts).hasValue(1);
  }

  @Test
  void settingsThatMakeNoSenseAreRefused() {
    assertThatThrownBy(() -> Retry.defaults().attempts(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("use 1 or more");
    assertThatThrownBy(() -> Retry.defaults().within(Duration.ofMillis(-1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Retry.defaults().pauses(Duration.ZERO, Duration.ofSeconds(1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Retry.defaults().pauses(Duration.ofSeconds(2), Duration.ofSeconds(1)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
