package dev.pgkeeper.cli;

import dev.pgkeeper.Held;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.cli.command.DurationText;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What a command takes that runs another one while it holds something, and how it does so. */
final class HoldOptions {
  private static final int LOST = 1;

  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Option(
      names = "--patience",
      paramLabel = "SPAN",
      defaultValue = "10s",
      converter = DurationText.class,
      description = "How long the command may take to end when it is stopped; ${DEFAULT-VALUE}.")
  private Duration patience = Duration.ofSeconds(10);

  @Option(
      names = "--grace",
      paramLabel = "SPAN",
      converter = DurationText.class,
      description = {
        "How long it stays held after this process was killed or cut off; 5s, for guard 15s.",
        "Also what an absence of the database may last without the command being stopped: three quarters of it."
      })
  private @Nullable Duration grace;

  @Option(
      names = "--timeout",
      paramLabel = "SPAN",
      defaultValue = "30s",
      converter = DurationText.class,
      description = "How long it stays held while this process is paused; ${DEFAULT-VALUE}.")
  private Duration timeout = Duration.ofSeconds(30);

  @Option(
      names = "--without-credentials",
      description = {
        "Keeps from the command all variables that begin with PG, as PGPASSWORD, PGUSER and PGKEEPER_URL.",
        "Else it finds them as pgkeeper did, and connects as the same role."
      })
  private boolean withoutCredentials;

  private final Duration usualGrace;

  HoldOptions(Duration usualGrace) {
    this.usualGrace = usualGrace;
  }

  /** What became of a command: its exit status, and whether what it stood under was lost. */
  record Ended(int status, boolean lost) {
    /** Never 0 if it was lost: then somebody else may have been at it at the same time. */
    int exitStatus() {
      return lost && status == 0 ? LOST : status;
    }
  }

  /** How to connect; fails if what was given is not understood. */
  KeeperOptions keeperOptions(String what) {
    if (timeout.compareTo(Duration.ofSeconds(1)) < 0 || timeout.compareTo(Duration.ofDays(1)) > 0) {
      throw misused("--timeout is too short or too long; use 1s to 1d");
    }
    Duration chosen = grace != null ? grace : usualGrace;
    if (grace == null && chosen.compareTo(timeout) > 0) {
      chosen = timeout;
    }
    if (chosen.compareTo(Duration.ofMillis(200)) < 0 || chosen.compareTo(timeout) > 0) {
      throw misused("--grace is too short or too long; use 200ms up to the --timeout");
    }
    return KeeperOptions.defaults()
        .withClientName(spec.qualifiedName() + " " + what)
        .withTimeout(timeout)
        .withGrace(chosen);
  }

  ChildCommand child(List<String> command) {
    return new ChildCommand(command, patience, withoutCredentials);
  }

  /** Runs the command, and stops it if this may be somebody else's. */
  Ended run(ChildCommand child, Held held) throws InterruptedException {
    AtomicBoolean lost = new AtomicBoolean();
    int status =
        child.run(
            Map.of("PGKEEPER_PATH", held.path(), "PGKEEPER_TOKEN", Long.toString(held.token())),
            () -> {
              if (!held.isHeld() && lost.compareAndSet(false, true)) {
                tell(held.path() + " may be somebody else's by now; the command is stopped");
              }
              return !lost.get();
            });
    if (!held.isHeld() && lost.compareAndSet(false, true)) {
      tell(held.path() + " may have been somebody else's before the command ended");
    }
    return new Ended(status, lost.get());
  }

  void tell(String what) {
    spec.commandLine().getErr().println(spec.qualifiedName() + ": " + what);
  }

  void checkStatus(String option, int status) {
    if (status < 0 || status > 255) {
      throw misused(option + " is " + status + "; use 0 to 255");
    }
  }

  ParameterException misused(@Nullable String message) {
    return new ParameterException(spec.commandLine(), String.valueOf(message));
  }
}
