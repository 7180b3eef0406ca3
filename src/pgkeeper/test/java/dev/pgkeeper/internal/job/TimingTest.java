package dev.pgkeeper.internal.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which moments are ticks. */
class TimingTest {
  private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");
  private static final Instant NOON = Instant.parse("2026-11-21T12:00:00Z");

  private static List<String> cron(String expression, ZoneId zone, String after, int number) {
    Timing timing = new CronTiming(expression, zone);
    List<String> ticks = new ArrayList<>();
    Instant tick = Instant.parse(after);
    for (int i = 0; i < number; i++) {
      tick = timing.next(tick);
      ticks.add(tick.toString().substring(5, 16));
    }
    return ticks;
  }

  @Test
  void aFixedRateIsAlignedToTheEpochWhenEverItIsAsked() {
    Timing timing = new FixedRate(Duration.ofMinutes(7));
    Instant tick = timing.next(NOON);
    assertThat(tick.toEpochMilli() % Duration.ofMinutes(7).toMillis()).isZero();
    assertThat(tick).isAfter(NOON).isBeforeOrEqualTo(NOON.plus(Duration.ofMinutes(7)));
    assertThat(timing.next(tick.minusMillis(1))).isEqualTo(tick);
    assertThat(timing.next(tick)).isEqualTo(tick.plus(Duration.ofMinutes(7)));
  }

  @Test
  void cronFollowsTheWallClockOfItsZone() {
    assertThat(cron("0 3 * * *", BERLIN, "2026-03-27T12:00:00Z", 3))
        .containsExactly("03-28T02:00", "03-29T01:00", "03-30T01:00");
    assertThat(cron("0 3 * * 1-5", ZoneOffset.UTC, "2026-11-20T12:00:00Z", 2))
        .containsExactly("11-23T03:00", "11-24T03:00");
  }

  @Test
  void whatFallsIntoTheGapRunsAtItsEndOnce() {
    assertThat(cron("30 2 * * *", BERLIN, "2026-03-27T12:00:00Z", 3))
        .containsExactly("03-28T01:30", "03-29T01:00", "03-30T00:30");
    assertThat(cron("*/30 1-3 * * *", BERLIN, "2026-03-29T00:00:00Z", 4))
        .containsExactly("03-29T00:30", "03-29T01:00", "03-29T01:30", "03-29T23:00");
  }

  @Test
  void whatNamesItsHoursRunsOnceWhereTheClockIsPutBack() {
    assertThat(cron("30 2 * * *", BERLIN, "2026-10-24T12:00:00Z", 2))
        .containsExactly("10-25T00:30", "10-26T01:30");
  }

  @Test
  void whatRunsEveryHourGoesOnWhereTheClockIsPutBack() {
    assertThat(cron("30 * * * *", BERLIN, "2026-10-24T23:45:00Z", 4))
        .containsExactly("10-25T00:30", "10-25T01:30", "10-25T02:30", "10-25T03:30");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "61 * * * *|61 not in range",
        "* * *|3 parts",
        "''|Empty",
        "nonsense|1 parts",
        "0 0 31 2 *|no such day",
        "*/0 * * * *|0 not in range",
        "0 3 * * * *|6 parts",
        "@daily|not supported"
      })
  void anExpressionThatCannotBeReadIsNamedAndSoIsWhatIsWrong(String expression, String why) {
    assertThatThrownBy(() -> new CronTiming(expression, ZoneOffset.UTC))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("\"" + expression + "\" is no cron expression: ")
        .hasMessageContaining(why)
        .hasMessageContaining("0 3 * * *");
  }

  @Test
  void theNewestOfVeryManyTicksAreFoundWithoutWalkingThroughAll() {
    Timing timing = new CronTiming("* * * * *", BERLIN);
    List<Instant> ticks = timing.between(NOON.minus(Duration.ofDays(3650)), NOON, 1000);
    assertThat(ticks).hasSize(1000).isSorted().endsWith(NOON);
    assertThat(ticks.get(0)).isEqualTo(NOON.minus(Duration.ofMinutes(999)));
    assertThat(timing.between(NOON, NOON, 1000)).isEmpty();
    assertThat(timing.between(NOON, NOON.plusSeconds(59), 1000)).isEmpty();
    assertThat(
            new CronTiming("0 0 1 1 *", BERLIN).between(NOON.minus(Duration.ofDays(800)), NOON, 5))
        .hasSize(2);
  }
}
