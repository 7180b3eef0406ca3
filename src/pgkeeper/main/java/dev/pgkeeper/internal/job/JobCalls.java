package dev.pgkeeper.internal.job;

import dev.pgkeeper.internal.jdbc.Call;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The functions of jobs by their own names. */
final class JobCalls {
  private final String schema;

  JobCalls(String schema) {
    this.schema = schema;
  }

  /** What a scheduler sees of one of its jobs. */
  record Look(
      String job,
      boolean paused,
      @Nullable Instant lastTick,
      long lastToken,
      @Nullable Instant lastEnded,
      boolean runs,
      List<String> openTicks,
      Instant moment) {}

  String claimSql() {
    return "SELECT o.*, watched FROM "
        + schema
        + ".request_job_claim(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), pg_catalog.unnest(outcomes) AS o";
  }

  static void bindClaim(
      PreparedStatement statement,
      int first,
      String job,
      Tick tick,
      @Nullable Duration atMost,
      boolean againFailed,
      boolean againAbandoned)
      throws SQLException {
    statement.setString(first, job);
    statement.setString(first + 1, tick.text());
    statement.setString(first + 2, tick.kind());
    statement.setObject(
        first + 3, tick.time() == null ? null : at(tick.time()), Types.TIMESTAMP_WITH_TIMEZONE);
    statement.setObject(first + 4, tick.after(), Types.BIGINT);
    statement.setObject(first + 5, atMost == null ? null : atMost.toMillis(), Types.BIGINT);
    statement.setBoolean(first + 6, againFailed);
    statement.setBoolean(first + 7, againAbandoned);
  }

  String turnSql() {
    return "SELECT o.*, watched FROM "
        + schema
        + ".request_job_turn(?, ?, ?, ?, ?, ?), pg_catalog.unnest(outcomes) AS o";
  }

  private static OffsetDateTime at(Instant time) {
    return time.atOffset(ZoneOffset.UTC);
  }

  private Call about(String function, long session, Claim claim) {
    return Call.of(schema, function, session, claim.job(), claim.tick(), claim.attempt());
  }

  private Call about(String function, long session, Claim claim, @Nullable String more) {
    return Call.of(schema, function, session, claim.job(), claim.tick(), claim.attempt(), more);
  }

  SqlFunction<@Nullable String> jobHold(long session, Claim claim) {
    return about("job_hold", session, claim).text();
  }

  SqlFunction<@Nullable String> jobDone(long session, Claim claim, @Nullable String transaction) {
    return about("job_done", session, claim, transaction).text();
  }

  SqlFunction<@Nullable String> jobFence(long session, Claim claim) {
    return about("job_fence", session, claim).text();
  }

  SqlFunction<String> jobEnd(long session, Claim claim, @Nullable String error) {
    return about("job_end", session, claim, error).row(row -> row.getString(1));
  }

  /** One of job_pause, job_resume and job_trigger: null or {@code f} if there is no such job. */
  SqlFunction<@Nullable String> jobSwitch(String function, String job, String... more) {
    Object[] arguments = Stream.concat(Stream.of(job), Stream.of(more)).toArray();
    return Call.of(schema, function, arguments).text();
  }

  SqlFunction<Instant> now() {
    return Call.of("pg_catalog", "clock_timestamp").row(row -> row.getTimestamp(1).toInstant());
  }

  SqlFunction<Boolean> jobRegister(String job, String schedule, Instant now) {
    return Call.of(schema, "job_register", job, schedule, now).done();
  }

  SqlFunction<Boolean> jobSkip(String job, Instant to) {
    return Call.of(schema, "job_skip", job, to).done();
  }

  SqlFunction<List<Look>> jobLook(Collection<String> jobs, Instant now) {
    return Call.columns(
            "job, paused, last_tick, last_token, last_ended, runs, open_ticks, moment",
            schema,
            "job_look",
            Call.texts(jobs),
            now)
        .rows(
            row ->
                new Look(
                    row.getString(1),
                    row.getBoolean(2),
                    instant(row.getTimestamp(3)),
                    row.getLong(4),
                    instant(row.getTimestamp(5)),
                    row.getBoolean(6),
                    Arrays.asList(Database.strings(row, 7)),
                    row.getTimestamp(8).toInstant()));
  }

  private static @Nullable Instant instant(@Nullable Timestamp timestamp) {
    return timestamp == null ? null : timestamp.toInstant();
  }

  SqlFunction<Long> markAbandonedRuns() {
    return Call.of(schema, "mark_abandoned_runs").number();
  }

  SqlFunction<Long> pruneJobRuns(Duration keep) {
    return Call.statement(
            "SELECT " + schema + ".prune_job_runs(pg_catalog.make_interval(secs => ?), 1000)",
            keep.toMillis() / 1000.0)
        .number();
  }
}
