package dev.pgkeeper.cli;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.cli.command.DurationText;
import dev.pgkeeper.job.Again;
import dev.pgkeeper.job.JobRun;
import dev.pgkeeper.job.Jobs;
import dev.pgkeeper.job.RunResult;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code pgkeeper guard}: a command that cron starts on every machine, and that runs on one. */
@Command(
    name = "guard",
    description = {
      "Runs a command once for a tick, although several machines ask.",
      "",
      "The command runs unless it ended well for this tick before, or is running on another machine. If it fails, or its "
          + "machine does, whoever asks next runs it again: so an effect that was there before a crash may come twice. "
          + "With --at-most-once it is begun once and never again, whatever became of it.",
      "",
      "The command finds PGKEEPER_JOB, PGKEEPER_TICK and PGKEEPER_TOKEN in its environment; the token is a number that "
          + "grows with each attempt, for storage that refuses what is older. It is stopped (SIGTERM, then SIGKILL) when "
          + "the run may have become somebody else's: at its limit, or when the database was away for too long (see --grace).",
      ""
    },
    customSynopsis =
        "pgkeeper guard JOB --tick TICK [--at-most SPAN] [OPTIONS] -- COMMAND [ARGUMENT...]",
    exitCodeList = {
      "0:the command ended well, or had nothing to do (see --busy-status)",
      "1:the database could not be asked",
      "2:not understood",
      "else:that of the command"
    })
final class GuardCommand extends HoldCommand {
  /** Nobody waits for the run, so there is no need for a fast failover. */
  private static final Duration GRACE = Duration.ofSeconds(15);

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "JOB", description = "The name of the job.")
  @SuppressWarnings("NullAway.Init")
  private String job;

  @Option(
      names = "--tick",
      paramLabel = "TICK",
      required = true,
      description = {
        "What the run is for: a text, for example a date, that is the same on all machines.",
        "minute, hour or day: the present one by the database's clock."
      })
  @SuppressWarnings("NullAway.Init")
  private String tick;

  @Option(
      names = "--zone",
      paramLabel = "ZONE",
      defaultValue = "UTC",
      description = "Whose hours and days those are, for example Europe/Berlin; ${DEFAULT-VALUE}.")
  private String zone = "UTC";

  @Option(
      names = "--at-most",
      paramLabel = "SPAN",
      converter = DurationText.class,
      description = "Stops the command after so long (10m, 2h), and lets another one begin.")
  private @Nullable Duration atMost;

  @Option(
      names = "--at-most-once",
      description = "Does not try again what was begun before and did not end well.")
  private boolean atMostOnce;

  @Option(
      names = "--busy-status",
      paramLabel = "STATUS",
      defaultValue = "0",
      description = "The exit status where there was nothing to do; ${DEFAULT-VALUE}.")
  private int busyStatus;

  GuardCommand(Map<String, String> environment) {
    super(environment, GRACE);
  }

  /** The command did not end well; what is recorded of it. */
  private static final class EndedWith extends Exception {
    private static final long serialVersionUID = 1L;
    final int status;

    EndedWith(int status) {
      super("exit status " + status);
      this.status = status;
    }

    @Override
    public String toString() {
      return "exit status " + status;
    }
  }

  @Override
  public Integer call() throws InterruptedException {
    ZoneId zoneId = checkArguments();
    try (Place place = place(job);
        ChildCommand child = child();
        Keeper keeper = place.connect()) {
      return guarded(keeper.jobs(), child, zoneId);
    }
  }

  private ZoneId checkArguments() {
    hold.checkStatus("--busy-status", busyStatus);
    try {
      return ZoneId.of(zone);
    } catch (DateTimeException e) {
      throw new ParameterException(
          spec.commandLine(), "--zone is \"" + zone + "\"; use a name like Europe/Berlin, or UTC");
    }
  }

  private int guarded(Jobs jobs, ChildCommand child, ZoneId zoneId) throws InterruptedException {
    String asked = tick(jobs, zoneId);
    Again again = atMostOnce ? Again.NEVER : Again.UNTIL_DONE;
    try {
      RunResult result =
          jobs.onceOutside(job, asked, again, atMost, (JobRun run) -> run(run, child));
      if (!result.ran()) {
        hold.tell(job + " at " + asked + " " + why(result) + "; nothing was run");
        return busyStatus;
      }
      return 0;
    } catch (EndedWith e) {
      return e.status;
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()));
    } catch (InterruptedException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** The tick that is meant: a text means itself. */
  private String tick(Jobs jobs, ZoneId zoneId) {
    ChronoUnit unit =
        switch (tick) {
          case "minute" -> ChronoUnit.MINUTES;
          case "hour" -> ChronoUnit.HOURS;
          case "day" -> ChronoUnit.DAYS;
          default -> null;
        };
    return unit == null ? tick : jobs.now().atZone(zoneId).truncatedTo(unit).toInstant().toString();
  }

  private void run(JobRun run, ChildCommand child) throws EndedWith, InterruptedException {
    int status =
        child.run(
            Map.of(
                "PGKEEPER_JOB", run.job(),
                "PGKEEPER_TICK", run.tick(),
                "PGKEEPER_TOKEN", Long.toString(run.token())),
            () -> mayGoOn(run));
    if (status != 0) {
      throw new EndedWith(status);
    }
  }

  private boolean mayGoOn(JobRun run) {
    if (run.isHeld()) {
      return true;
    }
    hold.tell(job + " at " + run.tick() + " may be somebody else's by now; the command is stopped");
    return false;
  }

  private static String why(RunResult result) {
    return switch (result) {
      case DONE_BEFORE -> "was done before";
      case RUNNING_ELSEWHERE -> "is running elsewhere";
      case FAILED_BEFORE -> "was begun before and did not end well";
      case PAUSED -> "is paused";
      case RAN, TOO_SOON -> throw new IllegalStateException(result.toString());
    };
  }
}
