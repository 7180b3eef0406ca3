package dev.pgkeeper.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.InvalidPathException;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Settings are refused where they are made, with a message that says what to use. */
class KeeperOptionsTest {
  private static final KeeperOptions DEFAULTS = KeeperOptions.defaults();

  @Test
  void absurdTimesAreRefusedWithTheTimesThatAreNot() {
    for (Duration absurd :
        List.of(
            Duration.ZERO,
            Duration.ofSeconds(-1),
            Duration.ofMillis(999),
            Duration.ofDays(1).plusMillis(1),
            Duration.ofSeconds(Long.MAX_VALUE))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> DEFAULTS.withTimeout(absurd))
          .withMessage("timeout is " + absurd + "; use PT1S to PT24H");
    }
    for (Duration absurd : List.of(Duration.ZERO, Duration.ofMillis(199), Duration.ofSeconds(31))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> DEFAULTS.withGrace(absurd))
          .withMessage("grace is " + absurd + "; use PT0.2S to PT30S");
    }
    for (Duration absurd : List.of(Duration.ZERO, Duration.ofMillis(-5), Duration.ofDays(2))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> DEFAULTS.withOperationTimeout(absurd))
          .withMessageStartingWith("operationTimeout is " + absurd);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> DEFAULTS.withSweep(absurd))
          .withMessageStartingWith("sweep is " + absurd);
    }
    assertThatIllegalArgumentException().isThrownBy(() -> DEFAULTS.withMaxDataBytes(-1));
  }

  @Test
  void theLimitsThemselvesAreTaken() {
    assertThatCode(
            () ->
                DEFAULTS
                    .withTimeout(Duration.ofSeconds(1))
                    .withGrace(Duration.ofMillis(200))
                    .withOperationTimeout(Duration.ofMillis(100))
                    .withSweep(Duration.ofMillis(100))
                    .withTimeout(Duration.ofDays(1))
                    .withGrace(Duration.ofDays(1))
                    .withOperationTimeout(Duration.ofDays(1))
                    .withSweep(Duration.ofDays(1)))
        .doesNotThrowAnyException();
  }

  @Test
  void aTimeoutShorterThanTheGraceShortensTheGrace() {
    KeeperOptions options = DEFAULTS.withTimeout(Duration.ofSeconds(1));
    assertThat(options.grace()).isEqualTo(Duration.ofSeconds(1));
  }

  @Test
  void schemaNamesThatWouldNeedQuotesAreRefused() {
    for (String name :
        List.of(
            "", " ", "a b", "a;drop", "a\"", "a'", "a.b", "1a", "A", "pg_keeper", "a".repeat(64))) {
      assertThatIllegalArgumentException()
          .as("\"%s\"", name)
          .isThrownBy(() -> DEFAULTS.withSchema(name));
    }
    for (String name : List.of("pgkeeper", "a", "_a1", "locks_of_team_7")) {
      assertThatCode(() -> DEFAULTS.withSchema(name)).doesNotThrowAnyException();
    }
  }

  @Test
  void theDatabaseRefusesASessionWithoutSenseToo() {
    try (TestDatabase database = TestDatabase.fresh()) {
      for (String times : List.of("0, 0", "1000, 0", "1000, 1001", "-1, -1")) {
        assertThatThrownBy(
                () ->
                    database.execute(
                        "SELECT ${schema}.session_open(" + times + ", false, 'c', 'h', 1)"))
            .as(times)
            .hasMessageContaining("a session needs 0 < grace");
      }
      assertThatThrownBy(
              () ->
                  Keeper.connect(
                      database.dataSource(),
                      DEFAULTS.withSchema(database.schema()).withChroot("no/slash")))
          .isInstanceOf(InvalidPathException.class);
      assertThat(database.queryLong("SELECT count(*) FROM ${schema}.session")).isZero();
    }
  }
}
