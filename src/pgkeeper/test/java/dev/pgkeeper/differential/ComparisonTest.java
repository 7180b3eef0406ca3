package dev.pgkeeper.differential;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The comparison itself: it finds nothing where nothing is wrong, and what is wrong it finds. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ComparisonTest {

  private static final int OPERATIONS = 300;
  private static final int OPERATIONS_TO_MEET_ALL = 1_200;
  private static final int OPERATIONS_TO_FIND_A_FLAW = 3_000;

  private Subject judge;
  private Subject other;

  @BeforeAll
  void start() {
    judge = new ZooKeeperSubject("ZooKeeper");
    other = new ZooKeeperSubject("another ZooKeeper");
  }

  @AfterAll
  void stop() {
    judge.close();
    other.close();
  }

  @Test
  void twoZooKeepersDoNotDiffer() {
    new RandomRun(judge, other, RandomRun.seed(7), RandomRun.operations(OPERATIONS)).run();
  }

  @Test
  void theGeneratorMeetsWhatItIsMeantToMeet() {
    Tally tally = new RandomRun(judge, other, 1, OPERATIONS_TO_MEET_ALL).run();
    assertThat(tally.missing()).as("met in %s", tally).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void everyFlawIsFound(FlawedSubject.Flaw flaw) {
    Subject flawed = new FlawedSubject(other, flaw);
    assertThatThrownBy(
            new RandomRun(judge, flawed, 1_000 + flaw.ordinal(), OPERATIONS_TO_FIND_A_FLAW)::run)
        .isInstanceOf(AssertionError.class)
        .hasCauseInstanceOf(Difference.class)
        .hasMessageContaining(flaw.name());
  }
}
