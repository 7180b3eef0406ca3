package dev.pgkeeper.internal.job;

import com.cronutils.model.Cron;
import com.cronutils.model.CronType;
import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.model.time.ExecutionTime;
import com.cronutils.parser.CronParser;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.zone.ZoneOffsetTransition;
import org.jspecify.annotations.Nullable;

/**
 * The moments of a cron expression in a time zone.
 *
 * <p>Where the hour is open, every hour that passes counts. Where it is named, the wall clock does:
 * its times are found as if the clock were never put forward or back, and then looked up in the
 * zone. A time in the gap becomes the gap's end, one that comes twice the first of the two, so that
 * a daily job runs once on those days too.
 */
final class CronTiming implements Timing {
  private final String expression;
  private final ZoneId zone;
  private final ExecutionTime times;
  private final boolean everyHour;

  CronTiming(String expression, ZoneId zone) {
    this.expression = expression;
    this.zone = zone;
    this.times = ExecutionTime.forCron(parse(expression));
    this.everyHour = expression.strip().split("\\s+")[1].equals("*");
    if (times.nextExecution(ZonedDateTime.of(2000, 1, 1, 0, 0, 0, 0, ZoneOffset.UTC)).isEmpty()) {
      throw refused(expression, "there is no such day", null);
    }
  }

  private static Cron parse(String expression) {
    try {
      return new CronParser(CronDefinitionBuilder.instanceDefinitionFor(CronType.UNIX))
          .parse(expression)
          .validate();
    } catch (IllegalArgumentException e) {
      throw refused(expression, String.valueOf(e.getMessage()), e);
    }
  }

  private static IllegalArgumentException refused(
      String expression, String why, @Nullable Throwable cause) {
    return new IllegalArgumentException(
        "\""
            + expression
            + "\" is no cron expression: "
            + why
            + ". Write minute, hour, day of the month, month and day of the week, as in \"0 3 * * *\"",
        cause);
  }

  @Override
  public @Nullable Instant next(Instant after) {
    if (everyHour) {
      return times.nextExecution(after.atZone(zone)).map(ZonedDateTime::toInstant).orElse(null);
    }
    ZonedDateTime clock = after.atZone(zone).toLocalDateTime().atZone(ZoneOffset.UTC);
    while (true) {
      clock = times.nextExecution(clock).orElse(null);
      if (clock == null) {
        return null;
      }
      Instant tick = moment(clock.toLocalDateTime());
      if (tick.isAfter(after)) {
        return tick;
      }
    }
  }

  private Instant moment(LocalDateTime clock) {
    ZoneOffsetTransition change = zone.getRules().getTransition(clock);
    return change != null && change.isGap() ? change.getInstant() : clock.atZone(zone).toInstant();
  }

  @Override
  public String toString() {
    return "cron " + expression + " " + zone;
  }
}
