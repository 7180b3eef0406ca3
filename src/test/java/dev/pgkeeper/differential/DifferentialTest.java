package dev.pgkeeper.differential;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/**
 * Random operations on pgkeeper and on ZooKeeper. Longer: {@code
 * -Dpgkeeper.differential.operations=200000}; the same again: {@code
 * -Dpgkeeper.differential.seed=…} as printed.
 */
class DifferentialTest {

  private static final int OPERATIONS = 2_000;

  @Test
  void pgkeeperAnswersAndTellsAsZooKeeperDoes() {
    compare(PgkeeperSubject.NO_SWEEP);
  }

  @Test
  void soItDoesWhileItLooksForWhatItMayHaveMissed() {
    compare(PgkeeperSubject.RESTLESS);
  }

  private static void compare(Duration sweep) {
    try (Subject judge = new ZooKeeperSubject("ZooKeeper");
        Subject judged = new PgkeeperSubject(sweep)) {
      Tally tally =
          new RandomRun(judge, judged, RandomRun.seed(), RandomRun.operations(OPERATIONS))
              .runOrShrink();
      assertThat(tally.missing()).as("met in %s", tally).isEmpty();
    }
  }
}
