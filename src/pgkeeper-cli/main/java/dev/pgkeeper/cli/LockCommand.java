package dev.pgkeeper.cli;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.cli.command.DatabaseCommand;
import dev.pgkeeper.cli.command.DurationText;
import dev.pgkeeper.cli.command.Waiting;
import dev.pgkeeper.lock.Mutex;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code pgkeeper lock}: a command that runs on one machine at a time. */
@Command(
    name = "lock",
    description = {
      "Waits for a lock, runs a command while holding it, and gives it back.",
      "",
      "The command finds PGKEEPER_PATH and PGKEEPER_TOKEN in its environment; the token is a number that grows with each "
          + "grant. It is stopped (SIGTERM, then SIGKILL) when the lock may have become somebody else's: at its limit, when "
          + "the database was away for too long (see --grace), or when an administrator took it away.",
      "",
      "A signal that ends pgkeeper (SIGTERM, SIGINT) stops the command first; then the lock is given back. Whoever kills "
          + "pgkeeper with SIGKILL leaves the command running, and the lock goes to the next one after the grace: this is "
          + "what the token is for. Storage that keeps the largest token it has seen, and refuses smaller ones, is safe.",
      ""
    },
    customSynopsis = "pgkeeper lock PATH [--wait SPAN] [OPTIONS] -- COMMAND [ARGUMENT...]",
    exitCodeList = {
      "1:the database could not be asked, or the lock was lost while a command ran that ended well",
      "2:not understood",
      "75:the lock could not be had in time (see --busy-status)",
      "else:that of the command"
    })
final class LockCommand extends HoldCommand {
  private static final Duration GRACE = Duration.ofSeconds(5);

  @Parameters(
      index = "0",
      paramLabel = "PATH",
      description = "The lock, for example /locks/backup.")
  @SuppressWarnings("NullAway.Init")
  private String path;

  @Option(
      names = "--wait",
      paramLabel = "SPAN",
      converter = DurationText.class,
      description = "How long to wait for it: 0s only tries; as long as it takes if not given.")
  private @Nullable Duration wait;

  @Option(
      names = "--busy-status",
      paramLabel = "STATUS",
      defaultValue = "75",
      description = "The exit status where it could not be had; ${DEFAULT-VALUE}.")
  private int busyStatus;

  @Option(
      names = "--at-most",
      paramLabel = "SPAN",
      converter = DurationText.class,
      description =
          "Stops the command after so long (10m, 2h), and lets the next one have the lock.")
  private @Nullable Duration atMost;

  LockCommand(Map<String, String> environment) {
    super(environment, GRACE);
  }

  @Override
  public Integer call() {
    hold.checkStatus("--busy-status", busyStatus);
    if (atMost != null && (atMost.isZero() || atMost.toDays() > 9999)) {
      throw hold.misused("--at-most is too short or too long; use 1ms to 9999d");
    }
    try (Place place = place(path);
        ChildCommand child = child();
        Waiting waiting = new Waiting();
        Keeper keeper = waiting.during(place::connect)) {
      return locked(mutex(keeper), child, waiting);
    } catch (InterruptedException e) {
      return DatabaseCommand.TERMINATED;
    }
  }

  private Mutex mutex(Keeper keeper) {
    try {
      Mutex mutex = keeper.lock(path);
      return atMost == null ? mutex : mutex.atMost(atMost);
    } catch (IllegalArgumentException e) {
      throw hold.misused(e.getMessage());
    }
  }

  private int locked(Mutex mutex, ChildCommand child, Waiting waiting) throws InterruptedException {
    Optional<Held> got = waiting.during(() -> acquire(mutex));
    if (got.isEmpty()) {
      hold.tell(path + " " + inTheWay(mutex) + "; nothing was run");
      return busyStatus;
    }
    try (Held held = got.get()) {
      return hold.run(child, held).exitStatus();
    }
  }

  private Optional<Held> acquire(Mutex mutex) throws InterruptedException {
    if (wait == null) {
      return Optional.of(mutex.acquire());
    }
    return wait.isZero() ? mutex.tryAcquire() : mutex.tryAcquire(wait);
  }

  private static String inTheWay(Mutex mutex) {
    return mutex
        .holder()
        .map(
            holder ->
                "is held by "
                    + holder.client()
                    + " ("
                    + holder.host()
                    + ", pid "
                    + holder.pid()
                    + ") since "
                    + holder.since())
        .orElse("could not be had in time");
  }
}
