package dev.pgkeeper.internal.guard;

import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The functions of V009 by their own names. */
final class GuardCalls {
  private final String schema;

  GuardCalls(String schema) {
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

  @SuppressWarnings("NullAway") // does not infer that a lambda may return null
  private SqlFunction<@Nullable String> about(
      String function, long session, Claim claim, @Nullable String... more) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT "
                  + schema
                  + "."
                  + function
                  + "(?, ?, ?, ?"
                  + ", ?".repeat(more.length)
                  + ")")) {
        statement.setLong(1, session);
        statement.setString(2, claim.job());
        statement.setString(3, claim.tick());
        statement.setInt(4, claim.attempt());
        for (int i = 0; i < more.length; i++) {
          statement.setString(5 + i, more[i]);
        }
        return one(statement);
      }
    };
  }

  private static @Nullable String one(PreparedStatement statement) throws SQLException {
    try (ResultSet row = statement.executeQuery()) {
      row.next();
      return row.getString(1);
    }
  }

  SqlFunction<@Nullable String> jobHold(long session, Claim claim) {
    return about("job_hold", session, claim);
  }

  SqlFunction<@Nullable String> jobDone(long session, Claim claim, @Nullable String transaction) {
    return about("job_done", session, claim, transaction);
  }

  SqlFunction<@Nullable String> jobFence(long session, Claim claim) {
    return about("job_fence", session, claim);
  }

  SqlFunction<String> jobEnd(long session, Claim claim, @Nullable String error) {
    SqlFunction<@Nullable String> asked = about("job_end", session, claim, error);
    return connection -> Objects.requireNonNull(asked.apply(connection), "what became of it");
  }

  /** One of job_pause, job_resume and job_trigger: null or {@code f} if there is no such job. */
  @SuppressWarnings("NullAway") // does not infer that a lambda may return null
  SqlFunction<@Nullable String> jobSwitch(String function, String job, String... more) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT " + schema + "." + function + "(?" + ", ?".repeat(more.length) + ")")) {
        statement.setString(1, job);
        for (int i = 0; i < more.length; i++) {
          statement.setString(2 + i, more[i]);
        }
        return one(statement);
      }
    };
  }

  SqlFunction<Instant> now() {
    return connection -> {
      try (PreparedStatement statement =
              connection.prepareStatement("SELECT pg_catalog.clock_timestamp()");
          ResultSet row = statement.executeQuery()) {
        row.next();
        return row.getTimestamp(1).toInstant();
      }
    };
  }

  SqlFunction<Boolean> jobRegister(String job, String schedule, Instant now) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".job_register(?, ?, ?)")) {
        statement.setString(1, job);
        statement.setString(2, schedule);
        statement.setObject(3, at(now));
        return statement.execute();
      }
    };
  }

  SqlFunction<Boolean> jobSkip(String job, Instant to) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + schema + ".job_skip(?, ?)")) {
        statement.setString(1, job);
        statement.setObject(2, at(to));
        return statement.execute();
      }
    };
  }

  SqlFunction<List<Look>> jobLook(Collection<String> jobs, Instant now) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT job, paused, last_tick, last_token, last_ended, runs, open_ticks, moment FROM "
                  + schema
                  + ".job_look(?, ?)")) {
        statement.setArray(1, Database.textArray(connection, new ArrayList<>(jobs)));
        statement.setObject(2, at(now));
        List<Look> looks = new ArrayList<>();
        try (ResultSet rows = statement.executeQuery()) {
          while (rows.next()) {
            looks.add(
                new Look(
                    rows.getString(1),
                    rows.getBoolean(2),
                    instant(rows.getTimestamp(3)),
                    rows.getLong(4),
                    instant(rows.getTimestamp(5)),
                    rows.getBoolean(6),
                    Arrays.asList(Database.strings(rows, 7)),
                    rows.getTimestamp(8).toInstant()));
          }
        }
        return looks;
      }
    };
  }

  private static @Nullable Instant instant(@Nullable Timestamp timestamp) {
    return timestamp == null ? null : timestamp.toInstant();
  }

  SqlFunction<Long> markAbandonedRuns() {
    return connection -> number(connection, "mark_abandoned_runs()");
  }

  SqlFunction<Long> pruneJobRuns(Duration keep) {
    return connection ->
        number(connection, "prune_job_runs(interval '" + keep.toMillis() + " milliseconds', 1000)");
  }

  private long number(Connection connection, String call) throws SQLException {
    try (PreparedStatement statement =
            connection.prepareStatement("SELECT " + schema + "." + call);
        ResultSet row = statement.executeQuery()) {
      row.next();
      return row.getLong(1);
    }
  }
}
