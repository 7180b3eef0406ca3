package dev.pgkeeper.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Keeper;
import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * A run whose effect shares its transaction has one effect, whatever became of an attempt before;
 * and the checker finds the effects of runs that do without. Processes that go through ticks while
 * they are killed, stopped and cut off are the proof's part {@code mixed}.
 */
class TickCheckerTest {
  private final JobFixture fixture = new JobFixture();

  /** Work that does not end well. */
  private static final class Mishap extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  private void effect(Connection connection) throws SQLException {
    fixture.execute(connection, "INSERT INTO ${schema}.effect VALUES ('job', 'tick')");
  }

  @Test
  void anEffectInTheRunsTransactionIsThereOnceAfterAnAttemptThatFailed() throws Exception {
    failOnceAndRunAgain(this::effect);
    assertThat(TickChecker.violations(fixture.database, "job")).isEmpty();
  }

  @Test
  void effectsThatDoNotShareTheRunsTransactionAreFoundTwice() throws Exception {
    failOnceAndRunAgain(
        connection -> {
          try (Connection own = fixture.database.connect()) {
            effect(own);
          }
        });
    assertThat(TickChecker.violations(fixture.database, "job"))
        .containsExactly("tick is done after 2 attempts, with 2 effects");
  }

  @Test
  void anEffectOfARunThatIsNotDoneIsFound() throws Exception {
    Keeper keeper = fixture.connect("one");
    try (Connection own = fixture.database.connect()) {
      assertThatThrownBy(() -> failAfter(keeper, connection -> effect(own)))
          .isInstanceOf(Mishap.class);
    }
    assertThat(TickChecker.violations(fixture.database, "job"))
        .containsExactly("tick is failed after 1 attempts, with 1 effects");
  }

  /** What leaves an effect. */
  private interface Effect {
    void leave(Connection connection) throws SQLException;
  }

  private static void failAfter(Keeper keeper, Effect effect) throws SQLException {
    keeper
        .jobs()
        .once(
            "job",
            "tick",
            connection -> {
              effect.leave(connection);
              throw new Mishap();
            });
  }

  private void failOnceAndRunAgain(Effect effect) throws SQLException {
    assertThatThrownBy(() -> failAfter(fixture.connect("one"), effect)).isInstanceOf(Mishap.class);
    assertThat(fixture.connect("other").jobs().once("job", "tick", effect::leave))
        .isEqualTo(RunResult.RAN);
  }
}
