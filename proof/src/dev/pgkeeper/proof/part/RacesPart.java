package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Finding;
import dev.pgkeeper.proof.check.Verdict;
import dev.pgkeeper.session.BeliefRun;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.watch.LostRingRun;
import dev.pgkeeper.watch.WatchRaceRun;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * What is decided by who comes first, one subject after the other: a client's belief and the end of
 * its session, a change and the loss of its ring, a watch and a change of the same path.
 */
public final class RacesPart implements Part {
  private static final int SHARES = 12;

  @Override
  public String name() {
    return "races";
  }

  @Override
  public List<Integer> scenarios() {
    return List.of(10, 11, 12);
  }

  @Override
  public String summary() {
    return "beliefs race with ends of sessions, watches with changes, rings with lost connections";
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    Random random = settings.random(name());
    Duration share = settings.duration().dividedBy(SHARES);
    List<Verdict> verdicts = new ArrayList<>();
    List<String> notes = new ArrayList<>();
    try (PrivateServer server = PrivateServer.start()) {
      try (TestDatabase database = TestDatabase.freshOn(server)) {
        progress.say("beliefs and ends of sessions");
        BeliefRun run = new BeliefRun(database, random.nextLong());
        List<String> violations = run.run(share);
        verdicts.add(
            verdict(
                "no client believes in its session after the database ended it",
                new Finding(run.ended(), "ended sessions", violations)));
        notes.add("Breaks of the network that a session survived: " + run.survived() + ".");
      }
      progress.say("rings that are lost");
      try (TestDatabase database = TestDatabase.freshOn(server)) {
        LostRingRun run = new LostRingRun(database, random.nextLong());
        List<String> violations = run.runWithRingsLost(share.dividedBy(2));
        verdicts.add(
            verdict(
                "with every second ring lost the final state arrives with the sweep",
                new Finding(run.changes(), "changes", violations)));
      }
      try (TestDatabase database = TestDatabase.freshOn(server)) {
        LostRingRun run = new LostRingRun(database, random.nextLong());
        List<String> violations = run.runWithConnectionsTerminated(share.dividedBy(2));
        verdicts.add(
            verdict(
                "with connections terminated all the time every watcher ends up with the final state",
                new Finding(run.changes(), "changes", violations)));
      }
      progress.say("watches and changes");
      try (TestDatabase database = TestDatabase.freshOn(server)) {
        WatchRaceRun run = new WatchRaceRun(database, random.nextLong());
        List<String> violations = run.run(share);
        verdicts.add(
            verdict(
                "no watcher misses a change that it raced with",
                new Finding(run.races(), "races", violations)));
        notes.add("Races that a ring decided: " + run.told() + ".");
      }
      try (TestDatabase database = TestDatabase.freshOn(server)) {
        WatchRaceRun run = new WatchRaceRun(database, random.nextLong());
        List<String> violations = run.runWithSubtrees(share.dividedBy(2));
        verdicts.add(
            verdict(
                "nor does a watcher of a subtree", new Finding(run.races(), "races", violations)));
      }
    }
    return new Result(verdicts, notes, null);
  }

  private Verdict verdict(String promise, Finding finding) {
    return new Verdict(name(), promise, scenarios(), finding, false);
  }
}
