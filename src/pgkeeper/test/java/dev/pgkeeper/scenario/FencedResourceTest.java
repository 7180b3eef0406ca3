package dev.pgkeeper.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * A resource in the database that two processes write to under a lock: one that was stopped past
 * its timeout is refused. Several processes under all faults are the proof's part {@code mixed}.
 */
class FencedResourceTest {
  private static final Duration LIMIT = Duration.ofSeconds(120);
  private static final KeeperOptions OPTIONS = Scenario.SHORT_SESSIONS;

  @Test
  void whoWakesUpAfterTheNextOneWroteIsRefused() throws Exception {
    assertThat(stoppedBeforeItsWrite("fenced after", "refused")).isEmpty();
  }

  @Test
  void withoutTheFenceAWriteOfAnEarlierOwnerIsFound() throws Exception {
    assertThat(stoppedBeforeItsWrite("unfenced", "accepted")).hasSize(1);
  }

  @Test
  void nobodyGetsTheLockFromAFencedTransactionHoweverLongItTakes() throws Exception {
    try (TestDatabase database = TestDatabase.fresh()) {
      database.execute(WriteToResource.TABLES);
      try (ChildProcess holder = start(database, "fenced before");
          ChildProcess waiter = startOnceHeld(database, holder)) {
        holder.send("fence");
        holder.awaitLine("fenced", LIMIT);
        holder.stop();
        // Its lease is over, and whoever is to end its session has tried.
        Await.pause(Duration.ofSeconds(4));
        assertThat(waiter.takeLines()).noneMatch(line -> line.startsWith("holding"));
        holder.send("write");
        holder.cont();
        holder.awaitLine("accepted", LIMIT);
        waiter.awaitLine("holding", LIMIT);
      }
    }
  }

  /**
   * Stops a holder before its write until the next one wrote; what is wrong with what came of it.
   */
  private static List<String> stoppedBeforeItsWrite(String mode, String expected) throws Exception {
    try (TestDatabase database = TestDatabase.fresh()) {
      database.execute(WriteToResource.TABLES);
      try (ChildProcess first = start(database, mode)) {
        String token = first.awaitLine("holding ", LIMIT);
        first.stop();
        try (ChildProcess second = start(database, mode)) {
          String next = second.awaitLine("holding ", LIMIT);
          second.send("write");
          second.awaitLine("accepted " + next, LIMIT);
          first.send("write");
          first.cont();
          first.awaitLine(expected + " " + token, LIMIT);
        }
      }
      return ResourceChecker.violations(ResourceChecker.accepted(database));
    }
  }

  private static ChildProcess startOnceHeld(TestDatabase database, ChildProcess holder)
      throws InterruptedException {
    holder.awaitLine("holding ", LIMIT);
    ChildProcess waiter = start(database, "fenced after");
    waiter.awaitLine("session ", LIMIT);
    return waiter;
  }

  private static ChildProcess start(TestDatabase database, String mode) {
    return ScenarioProcess.start(
        database, WriteToResource.class, OPTIONS, "writer", 1, 1, mode + " commanded");
  }
}
