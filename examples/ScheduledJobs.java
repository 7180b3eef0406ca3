import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.job.Jobs;
import dev.pgkeeper.job.Missed;
import dev.pgkeeper.job.RunResult;
import dev.pgkeeper.job.Scheduler;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.time.ZoneId;

/**
 * Jobs that several instances of an application have, and one of them runs: the instance that
 * leads, and the next one when that ends. Start it in several terminals, with the URL of a
 * database; Enter ends it. Look with: SELECT * FROM pgkeeper.job_runs.
 */
public class ScheduledJobs {
  public static void main(String[] arguments) throws Exception {
    try (HikariDataSource dataSource = new HikariDataSource()) {
      dataSource.setJdbcUrl(arguments[0]);
      Keeper.migrate(dataSource);
      try (Keeper keeper = Keeper.connect(dataSource);
          Scheduler scheduler = keeper.jobs().scheduler()) {
        Jobs guard = keeper.jobs();

        // From any scheduler you have: the row and the note that the run is done are one commit.
        RunResult result = guard.once("daily-report", "2026-11-21", ScheduledJobs::report);
        System.out.println("daily-report: " + result);

        // Never two at once, at most five minutes each, at most one a second.
        guard.exclusively(
            "sync",
            Duration.ofMinutes(5),
            Duration.ofSeconds(1),
            run -> run.inTransaction(ScheduledJobs::report));

        // Or from pgkeeper's own.
        scheduler
            .job("heartbeat")
            .every(Duration.ofSeconds(1))
            .run(connection -> System.out.println("heartbeat"));
        scheduler
            .job("nightly")
            .cron("0 3 * * *", ZoneId.of("Europe/Berlin"))
            .missed(Missed.RUN_ONCE)
            .run(ScheduledJobs::report);
        scheduler.start();
        System.in.read();
      }
    }
  }

  private static void report(Connection connection) throws Exception {
    try (Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE IF NOT EXISTS report (made timestamptz DEFAULT now())");
      statement.execute("INSERT INTO report DEFAULT VALUES");
    }
  }
}
