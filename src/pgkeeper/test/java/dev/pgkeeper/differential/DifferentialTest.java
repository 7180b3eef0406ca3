package dev.pgkeeper.differential;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random operations on pgkeeper and on ZooKeeper, the same ones in each run. Longer: {@code
 * -Dpgkeeper.differential.operations=200000}; others: {@code -Dpgkeeper.differential.seed=…}.
 */
class DifferentialTest {

  private static final int OPERATIONS = 300;

  /** Each way has the next one, so that there is a run below a chroot and one that is not. */
  private static final int SEED = 20_261_120;

  @ParameterizedTest
  @EnumSource
  void pgkeeperAnswersAndTellsAsZooKeeperDoes(PgkeeperSubject.Way way) {
    try (Subject judge = new ZooKeeperSubject("ZooKeeper");
        Subject judged = new PgkeeperSubject(way)) {
      new RandomRun(
              judge, judged, RandomRun.seed(SEED + way.ordinal()), RandomRun.operations(OPERATIONS))
          .runOrShrink();
    }
  }
}
