package dev.pgkeeper.proof.part;

import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.check.Check;
import dev.pgkeeper.proof.check.Evidence;
import dev.pgkeeper.proof.check.Finding;
import dev.pgkeeper.proof.check.Verdict;
import dev.pgkeeper.proof.client.ClientSettings;
import dev.pgkeeper.proof.fault.Fleet;
import dev.pgkeeper.proof.fault.Happened;
import dev.pgkeeper.proof.history.History;
import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.scenario.GrantLog;
import dev.pgkeeper.scenario.MessageTraffic;
import dev.pgkeeper.scenario.Scenario;
import dev.pgkeeper.scenario.ScenarioProcess;
import dev.pgkeeper.scenario.TrafficChecker;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.ChildProcess.Surroundings;
import dev.pgkeeper.testing.TestDatabase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A database in which some processes do the mixed work, from its beginning to what is known of it
 * in the end.
 */
final class Stage implements AutoCloseable {
  /** What clients do that use what the library offers. */
  static final String PROTECTED = "paced,together";

  static final Duration TIMEOUT = Duration.ofSeconds(2);
  static final Duration GRACE = Duration.ofMillis(600);
  static final Duration SWEEP = Duration.ofSeconds(1);

  /** Some sweeps, and an operation that waits for another: whoever is to hear of a change has. */
  private static final Duration QUIET = Duration.ofSeconds(6);

  private static final Duration DRAINED = Duration.ofSeconds(60);

  private final TestDatabase database;
  private final Path histories;
  private final Fleet fleet;

  /** Where a client connects to, and where it runs. */
  record Access(String url, String listener, Surroundings surroundings) {
    /** One that runs here, with its own connection where all others go. */
    static Access to(String url) {
      return new Access(url, ClientSettings.OF_THE_URL, Surroundings.NONE);
    }
  }

  Stage(TestDatabase database, Path histories, Fleet fleet) {
    this.database = database;
    this.histories = histories;
    this.fleet = fleet;
  }

  Fleet fleet() {
    return fleet;
  }

  /** Lets the clients finish what they do, and gathers what is known. */
  Evidence end(List<Happened> faults) throws Exception {
    return end(faults, database);
  }

  private Evidence end(List<Happened> faults, TestDatabase left) throws Exception {
    long ended = Client.nowMicros();
    fleet.sendAll("quiet", "quiet");
    Await.pause(QUIET);
    fleet.sendAll("tell", "told");
    fleet.finish();
    GrantLog grants = GrantLog.begun(left);
    return new Evidence(
        left,
        History.in(histories),
        grants.contests(),
        grants.remembered(),
        Scenario.databaseClockAheadMicros(left),
        faults,
        fleet.lives(),
        ended);
  }

  /** Ends the work, empties the queues, and asks everything that these checks ask. */
  Result conclude(
      String part, List<Check> checks, List<Happened> faults, String note, Progress progress)
      throws Exception {
    return conclude(part, checks, faults, note, progress, database);
  }

  /** The same, where another server has taken the place of the first one. */
  Result conclude(
      String part,
      List<Check> checks,
      List<Happened> faults,
      String note,
      Progress progress,
      TestDatabase left)
      throws Exception {
    progress.say("no more faults; the clients come to an end");
    Evidence evidence = end(faults, left);
    drain(left, PROTECTED, DRAINED);
    progress.say("checking " + evidence.history().operations().size() + " operations");
    return new Result(judge(part, checks, evidence, false), notes(note), evidence);
  }

  /** Ends the work, in which each of these checks has to find something. */
  Result concludeControl(
      String part, List<Check> checks, List<Happened> faults, String note, TestDatabase left)
      throws Exception {
    return new Result(judge(part, checks, end(faults, left), true), notes(note), null);
  }

  private static List<String> notes(String note) {
    return note.isEmpty() ? List.of() : List.of(note);
  }

  static List<Verdict> judge(String part, List<Check> checks, Evidence evidence, boolean isControl)
      throws Exception {
    List<Verdict> verdicts = new ArrayList<>();
    for (Check check : checks) {
      Finding finding = check.examiner().examine(evidence);
      verdicts.add(new Verdict(part, check.promise(), check.scenarios(), finding, isControl));
    }
    return verdicts;
  }

  /** Takes what is left in the queues as the work would; what is left after a while, stays. */
  static void drain(TestDatabase database, String mode, Duration limit)
      throws InterruptedException {
    KeeperOptions options =
        KeeperOptions.defaults().withTimeout(TIMEOUT).withGrace(GRACE).withSweep(SWEEP);
    try (ChildProcess rest =
        ScenarioProcess.start(
            database, MessageTraffic.class, options, "drain", 4, 1, "drain " + mode)) {
      long end = System.nanoTime() + limit.toNanos();
      while (TrafficChecker.left(database) > 0 && System.nanoTime() - end < 0) {
        Await.pause(Duration.ofMillis(50));
      }
      rest.send("stop");
      rest.awaitExit(DRAINED);
    }
  }

  @Override
  public void close() {
    fleet.close();
  }
}
