package dev.pgkeeper.proof.part;

import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.check.Check;
import dev.pgkeeper.proof.check.Evidence;
import dev.pgkeeper.proof.check.Finding;
import dev.pgkeeper.proof.check.Verdict;
import dev.pgkeeper.proof.check.WatchCheck;
import dev.pgkeeper.proof.client.ClientSettings;
import dev.pgkeeper.proof.fault.Fleet;
import dev.pgkeeper.proof.fault.Happened;
import dev.pgkeeper.proof.fault.Pulse;
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
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

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

  /** Some sweeps, and an operation that waits for another. */
  static final Duration SOME_SWEEPS = Duration.ofSeconds(6);

  private static final Duration GLANCE = Duration.ofMillis(250);

  private final TestDatabase database;
  private final Path histories;
  private final Fleet fleet;
  private final Pulse pulse;

  /** What clients wrote down is enough, or has what is looked for. */
  @FunctionalInterface
  interface Enough {
    boolean is(Evidence evidence) throws Exception;
  }

  /** Where a client connects to, and where it runs. */
  record Access(String url, String listener, Surroundings surroundings) {
    /** One that runs here, with its own connection where all others go. */
    static Access to(String url) {
      return new Access(url, ClientSettings.OF_THE_URL, Surroundings.NONE);
    }
  }

  Stage(TestDatabase database, Path histories, Fleet fleet, Pulse pulse) {
    this.pulse = pulse;
    this.database = database;
    this.histories = histories;
    this.fleet = fleet;
  }

  Fleet fleet() {
    return fleet;
  }

  /**
   * Lets the clients work until what they wrote down by now is enough. If it never is, the checks
   * will say what is missing.
   */
  void workUntil(List<Happened> faults, TestDatabase left, Enough enough) throws Exception {
    long end = System.nanoTime() + Await.LIMIT.toNanos();
    while (!enough.is(byNow(faults, left)) && System.nanoTime() - end < 0) {
      Await.pause(GLANCE.multipliedBy(4));
    }
  }

  private Evidence byNow(List<Happened> faults, TestDatabase left) throws Exception {
    // First what clients were told: what the database decided before is there then.
    History history = History.in(histories);
    return new Evidence(
        left,
        history,
        GrantLog.begun(left).contests(),
        List.of(),
        0,
        faults,
        fleet.lives(),
        Client.nowMicros());
  }

  /** Lets the clients finish what they do, and gathers what is known. */
  Evidence end(List<Happened> faults, Duration quiet) throws Exception {
    return end(faults, database, quiet);
  }

  /**
   * The same.
   *
   * @param quiet for how long at most a follower may not know what is there
   */
  private Evidence end(List<Happened> faults, TestDatabase left, Duration quiet) throws Exception {
    awaitWork();
    long ended = Client.nowMicros();
    fleet.sendAll("quiet", "quiet");
    awaitFollowers(left, quiet);
    fleet.sendAll("tell", "told");
    fleet.finish();
    pulse.close();
    GrantLog grants = GrantLog.begun(left);
    return new Evidence(
        left,
        History.in(histories),
        grants.contests(),
        grants.remembered(),
        Scenario.databaseClockAheadMicros(left),
        faults,
        fleet.lives(),
        ended,
        pulse.slowness());
  }

  /** Returns once each client has got something done from now on, unless one hangs. */
  private void awaitWork() throws IOException {
    Map<Path, Long> sizes = new HashMap<>();
    for (int client = 0; client < fleet.size(); client++) {
      Path file = histories.resolve(fleet.name(client));
      sizes.put(file, Files.exists(file) ? Files.size(file) : 0);
    }
    long end = System.nanoTime() + Await.LIMIT.toNanos();
    while (!sizes.isEmpty() && System.nanoTime() - end < 0) {
      Await.pause(GLANCE);
      for (Path file : List.copyOf(sizes.keySet())) {
        if (tail(file, sizes.get(file)).anyMatch(line -> line.matches("answer \\d+ ok .*"))) {
          sizes.remove(file);
        }
      }
    }
  }

  private static Stream<String> tail(Path file, long from) throws IOException {
    if (!Files.exists(file)) {
      return Stream.empty();
    }
    try (RandomAccessFile reader = new RandomAccessFile(file.toFile(), "r")) {
      byte[] bytes = new byte[(int) (reader.length() - from)];
      reader.seek(from);
      reader.readFully(bytes);
      return new String(bytes, StandardCharsets.UTF_8).lines();
    }
  }

  /** Returns once each watcher and each cache knows what is there, unless one never does. */
  private void awaitFollowers(TestDatabase left, Duration quiet) throws Exception {
    Map<String, String> there = WatchCheck.there(left);
    String expected = "known " + there + " " + there;
    long end = System.nanoTime() + quiet.toNanos();
    while (!fleet.askAll("known", "known ").stream().allMatch(expected::equals)
        && System.nanoTime() - end < 0) {
      Await.pause(GLANCE);
    }
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
    Evidence evidence = end(faults, left, Await.LIMIT);
    drain(left, PROTECTED, Await.LIMIT);
    progress.say("checking " + evidence.history().operations().size() + " operations");
    return new Result(judge(part, checks, evidence, false), notes(note), evidence);
  }

  /** Ends the work, in which each of these checks has to find something. */
  Result concludeControl(
      String part, List<Check> checks, List<Happened> faults, String note, TestDatabase left)
      throws Exception {
    return new Result(judge(part, checks, end(faults, left, SOME_SWEEPS), true), notes(note), null);
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

  /**
   * Takes what is left in the queues as the work would. What is left when it got no less for so
   * long, stays.
   */
  static void drain(TestDatabase database, String mode, Duration limit)
      throws InterruptedException {
    KeeperOptions options =
        KeeperOptions.defaults().withTimeout(TIMEOUT).withGrace(GRACE).withSweep(SWEEP);
    try (ChildProcess rest =
        ScenarioProcess.start(
            database, MessageTraffic.class, options, "drain", 4, 1, "drain " + mode)) {
      long least = Long.MAX_VALUE;
      long end = System.nanoTime() + limit.toNanos();
      for (long left = TrafficChecker.left(database);
          left > 0 && System.nanoTime() - end < 0;
          left = TrafficChecker.left(database)) {
        if (left < least) {
          least = left;
          end = System.nanoTime() + limit.toNanos();
        }
        Await.pause(GLANCE);
      }
      rest.send("stop");
      rest.awaitExit(Await.LIMIT.multipliedBy(3));
    }
  }

  @Override
  public void close() {
    pulse.close();
    fleet.close();
  }
}
