package dev.pgkeeper.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * A set that two processes read, change and write back under a lock: one that was stopped between
 * its read and its write takes nothing away. Several processes under all faults are the proof's
 * part {@code mixed}.
 */
class LockedSetTest {
  private static final Duration LIMIT = Duration.ofSeconds(120);
  private static final KeeperOptions OPTIONS =
      KeeperOptions.defaults()
          .withTimeout(Duration.ofSeconds(2))
          .withGrace(Duration.ofMillis(500))
          .withSweep(Duration.ofSeconds(1));

  @Test
  void anAddBetweenTheReadAndTheWriteOfASleeperIsKept() throws Exception {
    assertThat(lostToASleeper("fenced", "refused")).isEmpty();
  }

  @Test
  void withoutTheFenceASleepersWriteLosesAnAdd() throws Exception {
    assertThat(lostToASleeper("unfenced", "added ")).hasSize(1);
  }

  /** Stops a holder between its read and its write until the next one added; what was lost. */
  private static List<String> lostToASleeper(String mode, String expected) throws Exception {
    try (TestDatabase database = TestDatabase.fresh()) {
      database.execute(AddToSet.TABLES);
      try (ChildProcess first = start(database, "first", mode)) {
        first.awaitLine("read", LIMIT);
        first.stop();
        try (ChildProcess second = start(database, "second", mode)) {
          second.awaitLine("read", LIMIT);
          second.send("write");
          String added = second.awaitLine("added ", LIMIT).replace(" .", "");
          first.send("write");
          first.cont();
          first.awaitLine(expected, LIMIT);
          return SetChecker.lost(List.of(added), AddToSet.elements(database));
        }
      }
    }
  }

  private static ChildProcess start(TestDatabase database, String name, String mode) {
    return ScenarioProcess.start(
        database, AddToSet.class, OPTIONS, name, 1, 1, mode + " commanded");
  }
}
