package dev.pgkeeper.proof.check;

import dev.pgkeeper.proof.fault.Happened;
import dev.pgkeeper.scenario.GrantLog.Contest;
import dev.pgkeeper.scenario.MutexHistory;
import dev.pgkeeper.scenario.MutexHistory.End;
import dev.pgkeeper.scenario.MutexHistory.Got;
import dev.pgkeeper.scenario.ResourceChecker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** What has to hold where the end of what was committed is lost with the server that had it. */
public final class LossChecks {
  private static final List<Integer> SCENARIOS = List.of(19);

  private LossChecks() {}

  /** What fails for certain where numbers are not raised past all that can have been lost. */
  public static Check growth() {
    return new Check(
        "each token from afterwards is greater than all from before",
        SCENARIOS,
        LossChecks::growth);
  }

  /** What fails for certain where clients do not care what they are told. */
  public static Check told() {
    return new Check(
        "whoever had a hold that is lost is told so, and cannot give it back",
        SCENARIOS,
        LossChecks::told);
  }

  public static List<Check> all(Duration back) {
    return List.of(
        new Check("no token is handed out twice", SCENARIOS, LossChecks::tokens),
        growth(),
        told(),
        new Check(
            "no lock is left to somebody who gave it back before: all are had again",
            SCENARIOS,
            LossChecks::hadAgain),
        new Check(
            "tokens of accepted writes that are there never decrease, and each has one owner",
            SCENARIOS,
            LossChecks::resource),
        new Check(
            "the sum of all accounts is the same in every read", SCENARIOS, BankCheck::examine),
        new Check(
            "after quiet, what each watcher and each cache last saw is the database's",
            SCENARIOS,
            WatchCheck::examine),
        new Check(
            "a tick of a job has one effect if it is done, and none otherwise",
            SCENARIOS,
            Checks::ticks),
        new Check(
            "no client does nothing for more than "
                + back.toSeconds()
                + " s while nothing is wrong",
            SCENARIOS,
            evidence -> RecoveryCheck.examine(evidence, back)));
  }

  /** Whether the locks that were had before the loss are had again. */
  public static boolean areBack(Evidence evidence) {
    return growth(evidence).examined() > 0 && hadAgain(evidence).violations().isEmpty();
  }

  private static Happened loss(Evidence evidence) {
    return evidence.faults().stream()
        .filter(fault -> fault.fault().isLoss())
        .findFirst()
        .orElseThrow();
  }

  private static Finding tokens(Evidence evidence) {
    List<String> violations = new ArrayList<>();
    Map<String, Got> owners = new HashMap<>();
    List<Got> all = evidence.history().locks().got();
    for (Got got : all) {
      Got before = owners.putIfAbsent(got.line() + " " + got.token(), got);
      if (before != null) {
        violations.add(got + " has the token of " + before);
      }
    }
    return new Finding(all.size(), "holds that clients were told of", violations);
  }

  private static Finding growth(Evidence evidence) {
    Happened loss = loss(evidence);
    List<Got> all = evidence.history().locks().got();
    Map<String, Long> before = new HashMap<>();
    all.stream()
        .filter(got -> got.completed() < loss.from())
        .forEach(got -> before.merge(got.line(), got.token(), Math::max));
    List<Got> after = all.stream().filter(got -> got.invoked() > loss.to()).toList();
    List<String> violations = new ArrayList<>();
    for (Got got : after) {
      if (got.token() <= before.getOrDefault(got.line(), 0L)) {
        violations.add(got + " is not greater than " + before.get(got.line()));
      }
    }
    return new Finding(after.size(), "holds afterwards", violations);
  }

  private static Finding told(Evidence evidence) {
    Happened loss = loss(evidence);
    Set<String> there = new HashSet<>();
    for (Contest contest : evidence.contests()) {
      there.add(contest.line() + " " + contest.token());
    }
    MutexHistory told = evidence.history().locks();
    List<String> violations = new ArrayList<>();
    List<Got> before = told.got().stream().filter(got -> got.completed() < loss.from()).toList();
    long lost = 0;
    for (Got got : before) {
      if (!there.contains(got.line() + " " + got.token())) {
        lost++;
        End end = told.end(got.line(), got.token());
        if (end != null && end.released() && end.invoked() > loss.to()) {
          violations.add(got + " is lost, and was given back as if it were not: " + end);
        }
      }
    }
    return new Finding(before.size(), "holds, of which " + lost + " are lost", violations);
  }

  private static Finding hadAgain(Evidence evidence) {
    Happened loss = loss(evidence);
    Set<String> before = new TreeSet<>();
    Set<String> after = new HashSet<>();
    for (Got got : evidence.history().locks().got()) {
      if (got.completed() < loss.from()) {
        before.add(got.line());
      } else if (got.completed() > loss.to()) {
        after.add(got.line());
      }
    }
    List<String> violations =
        before.stream()
            .filter(line -> !after.contains(line))
            .map(line -> line + " was had before, and by nobody afterwards")
            .toList();
    return new Finding(before.size(), "locks", violations);
  }

  private static Finding resource(Evidence evidence) throws Exception {
    List<ResourceChecker.Accepted> accepted = ResourceChecker.accepted(evidence.database());
    return new Finding(accepted.size(), "accepted writes", ResourceChecker.violations(accepted));
  }
}
