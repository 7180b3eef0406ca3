package dev.pgkeeper.differential;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random operations on pgkeeper and on ZooKeeper. Longer: {@code
 * -Dpgkeeper.differential.operations=200000}; the same again: {@code
 * -Dpgkeeper.differential.seed=…} as printed.
 */
class DifferentialTest {

  private static final int OPERATIONS = 1_000;

  @ParameterizedTest
  @EnumSource
  void pgkeeperAnswersAndTellsAsZooKeeperDoes(PgkeeperSubject.Way way) {
    try (Subject judge = new ZooKeeperSubject("ZooKeeper");
        Subject judged = new PgkeeperSubject(way)) {
      new RandomRun(judge, judged, RandomRun.seed(), RandomRun.operations(OPERATIONS))
          .runOrShrink();
    }
  }
}
