package dev.pgkeeper.cli;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.cli.HoldOptions.Ended;
import dev.pgkeeper.cli.command.DatabaseCommand;
import dev.pgkeeper.cli.command.Waiting;
import dev.pgkeeper.election.Candidacy;
import dev.pgkeeper.election.Election;
import dev.pgkeeper.election.Leadership;
import dev.pgkeeper.election.LeadershipListener;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code pgkeeper lead}: a service that several machines stand for, and that runs on one. */
@Command(
    name = "lead",
    description = {
      "Stands for election, and runs a command while leading.",
      "",
      "When the command ends, the leadership is given up and its exit status passed on. When the leadership is lost, the "
          + "command is stopped (SIGTERM, then SIGKILL) and pgkeeper ends too, never with 0: who runs it as a service "
          + "starts it again, as it would after any other failure. With --again pgkeeper stands again by itself.",
      "",
      "The command finds PGKEEPER_PATH and PGKEEPER_TOKEN in its environment; the token is a number that grows with each "
          + "leadership.",
      "",
      "A signal that ends pgkeeper (SIGTERM, SIGINT) stops the command first; then the next candidate leads. Whoever kills "
          + "pgkeeper with SIGKILL leaves the command running, and the next one leads after the grace: this is what the "
          + "token is for. Storage that keeps the largest token it has seen, and refuses smaller ones, is safe.",
      ""
    },
    customSynopsis = "pgkeeper lead PATH [--again] [OPTIONS] -- COMMAND [ARGUMENT...]",
    exitCodeList = {
      "1:the database could not be asked, or the leadership was lost and the command ended well",
      "2:not understood",
      "else:that of the command"
    })
final class LeadCommand extends HoldCommand {
  private static final Duration GRACE = Duration.ofSeconds(5);
  private static final Duration PAUSE = Duration.ofSeconds(1);

  /** What is done for a leadership is done by the thread that waits for it. */
  private static final LeadershipListener NOTHING =
      new LeadershipListener() {
        @Override
        public void onElected(Leadership leadership) {}

        @Override
        public void onLost(Leadership leadership) {}
      };

  @Parameters(
      index = "0",
      paramLabel = "PATH",
      description = "The election, for example /services/mailer.")
  @SuppressWarnings("NullAway.Init")
  private String path;

  @Option(
      names = "--again",
      description = {
        "Stands again when the leadership was lost, also while the database is away.",
        "A command that ended by itself is not run again."
      })
  private boolean again;

  @Option(
      names = "--identity",
      paramLabel = "NAME",
      description = "What others see of this candidate; process and machine if not given.")
  private @Nullable String identity;

  LeadCommand(Map<String, String> environment) {
    super(environment, GRACE);
  }

  @Override
  public Integer call() {
    try (Place place = place(path);
        Waiting waiting = new Waiting()) {
      Ended ended = stand(place, waiting);
      while (again && ended.lost()) {
        ended = stand(place, waiting);
      }
      return ended.exitStatus();
    } catch (InterruptedException e) {
      return DatabaseCommand.TERMINATED;
    }
  }

  private Ended stand(Place place, Waiting waiting) throws InterruptedException {
    try {
      return standOnce(place, waiting);
    } catch (KeeperException e) {
      if (!again || e instanceof KeeperException.WrongRecipe) {
        throw e;
      }
      hold.tell(e.getMessage() + "; " + path + " is stood for again");
    }
    waiting.pause(PAUSE);
    return new Ended(1, true);
  }

  /** The session is a new one each time, since a leadership is mostly lost with its session. */
  private Ended standOnce(Place place, Waiting waiting) throws InterruptedException {
    waiting.ensureWanted();
    try (ChildCommand child = child();
        Keeper keeper = waiting.during(place::connect)) {
      return lead(election(keeper), child, waiting);
    }
  }

  private Election election(Keeper keeper) {
    String name = identity == null ? ManagementFactory.getRuntimeMXBean().getName() : identity;
    try {
      return keeper.election(path).withIdentity(name);
    } catch (IllegalArgumentException e) {
      throw hold.misused(e.getMessage());
    }
  }

  private Ended lead(Election election, ChildCommand child, Waiting waiting)
      throws InterruptedException {
    AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    try (Candidacy candidacy = election.join(NOTHING)) {
      candidacy.onError(failure::set);
      waiting.during(candidacy::await);
      Optional<Leadership> leadership = candidacy.leadership();
      if (leadership.isPresent()) {
        return hold.run(child, leadership.get());
      }
      candidacy.onError(failure::set);
    }
    if (failure.get() instanceof KeeperException e) {
      throw e;
    }
    hold.tell(path + " was lost before the command ran");
    return new Ended(1, true);
  }
}
