package dev.pgkeeper.proof.check;

import dev.pgkeeper.job.TickChecker;
import dev.pgkeeper.proof.client.RunTheJobs;
import dev.pgkeeper.scenario.AddToSet;
import dev.pgkeeper.scenario.FairnessChecker;
import dev.pgkeeper.scenario.MutexChecker;
import dev.pgkeeper.scenario.MutexHistory;
import dev.pgkeeper.scenario.OverlapChecker;
import dev.pgkeeper.scenario.ResourceChecker;
import dev.pgkeeper.scenario.ResourceChecker.Accepted;
import dev.pgkeeper.scenario.SetChecker;
import dev.pgkeeper.scenario.TrafficChecker;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** All that is asked after a run of the mixed work. */
public final class Checks {
  private Checks() {}

  /**
   * @param back for how long a client may get nothing done while nothing is wrong
   */
  public static List<Check> all(Duration back) {
    return List.of(
        new Check(
            "tokens of accepted writes never decrease, each has one owner, none that was told is lost",
            List.of(1, 7, 20),
            Checks::resource),
        new Check("no acknowledged add to the locked set is lost", List.of(2), Checks::set),
        Check.byTheClock(
            "holds of a lock and leaderships do not overlap by the database's clock",
            List.of(3, 7, 20),
            evidence ->
                holds(evidence.contests().size(), OverlapChecker.violations(evidence.contests()))),
        Check.byTheClock(
            "nor in the history that the library keeps",
            List.of(3),
            evidence ->
                holds(
                    evidence.remembered().size(),
                    OverlapChecker.violations(evidence.remembered()))),
        Check.byTheClock(
            "nobody is told of a hold that was not granted, or believes in one longer than it lasts",
            List.of(3, 5, 17),
            BeliefCheck::examine),
        new Check("each lock is a linearizable mutex", List.of(4, 5, 7), MutexCheck::examine),
        new Check(
            "its grants come in the order of their tokens", List.of(4), Checks::tokensInOrder),
        Check.byTheClock(
            "grants come in the order of joining among those who still wait",
            List.of(5, 6),
            evidence ->
                holds(evidence.contests().size(), FairnessChecker.violations(evidence.contests()))),
        registers(),
        new Check(
            "no branch is pruned from which a leaf grows that was not seen",
            List.of(9),
            BranchCheck::examine),
        new Check(
            "the sum of all accounts is the same in every read", List.of(9), BankCheck::examine),
        new Check(
            "after quiet, what each watcher and each cache last saw is the database's",
            List.of(10, 11),
            WatchCheck::examine),
        Check.byTheClock(
            "ephemeral nodes go with their sessions, in one transaction, and not before",
            List.of(12),
            EphemeralCheck::examine),
        Check.byTheClock(
            "no session ends before its time, unless its client ends it",
            List.of(12, 17, 20),
            SessionEndCheck::examine),
        new Check(
            "sequential names are unique, and grow from one that was answered to one asked later",
            List.of(13),
            SequenceCheck::examine),
        new Check(
            "messages are done once, in order, all of them, and again only for a reason",
            List.of(14),
            Checks::queues),
        new Check(
            "a tick of a job has one effect if it is done, and none otherwise",
            List.of(15),
            Checks::ticks),
        new Check(
            "no client does nothing for more than "
                + back.toSeconds()
                + " s while nothing is wrong",
            List.of(11, 17, 20),
            evidence -> RecoveryCheck.examine(evidence, back)));
  }

  /** What fails for certain where a change may be done of which its client says that it is not. */
  public static Check registers() {
    return new Check(
        "each node is a linearizable register with compare-and-set",
        List.of(7, 8, 20),
        RegisterCheck::examine);
  }

  private static Finding holds(int examined, List<String> violations) {
    return new Finding(examined, "holds", violations);
  }

  private static Finding resource(Evidence evidence) throws Exception {
    List<Accepted> accepted = ResourceChecker.accepted(evidence.database());
    List<String> violations = new ArrayList<>(ResourceChecker.violations(accepted));
    Set<String> there = new HashSet<>();
    accepted.forEach(write -> there.add(Long.toString(write.token())));
    evidence.history().said("accepted").stream()
        .filter(token -> !there.contains(token))
        .forEach(token -> violations.add("the write with token " + token + " is not there"));
    return new Finding(accepted.size(), "accepted writes", violations);
  }

  private static Finding set(Evidence evidence) {
    List<String> added = evidence.history().said("added");
    return new Finding(
        added.size(), "adds", SetChecker.lost(added, AddToSet.elements(evidence.database())));
  }

  private static Finding tokensInOrder(Evidence evidence) {
    MutexHistory locks = evidence.history().locks();
    return holds(locks.got().size(), MutexChecker.violations(locks));
  }

  private static Finding queues(Evidence evidence) {
    TestDatabase database = evidence.database();
    List<String> violations = new ArrayList<>(TrafficChecker.violations(database));
    long left = TrafficChecker.left(database);
    if (left != 0) {
      violations.add(left + " messages are left that nobody gets");
    }
    return new Finding(
        database.queryLong("SELECT count(*) FROM ${schema}.sent"), "messages", violations);
  }

  static Finding ticks(Evidence evidence) throws Exception {
    return new Finding(
        evidence.database().queryLong("SELECT count(*) FROM ${schema}.job_run"),
        "runs",
        TickChecker.violations(evidence.database(), RunTheJobs.JOB));
  }
}
