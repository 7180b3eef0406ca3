package dev.pgkeeper.proof.check;

import dev.pgkeeper.proof.fault.Happened;
import dev.pgkeeper.scenario.BeliefChecker;
import dev.pgkeeper.scenario.MutexHistory;
import dev.pgkeeper.scenario.MutexHistory.End;
import dev.pgkeeper.scenario.MutexHistory.Got;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Whether clients were told what the database decided. A hand-off is not flushed: one that a crash
 * took back is no grant any more, although its client, rightly, was told of it; nobody else can
 * have got the turn, which other checks see to.
 */
final class BeliefCheck {
  private BeliefCheck() {}

  static Finding examine(Evidence evidence) {
    MutexHistory told = evidence.history().locks();
    Set<String> granted =
        evidence.contests().stream()
            .filter(contest -> contest.wasGranted())
            .map(contest -> contest.line() + " " + contest.token())
            .collect(Collectors.toCollection(HashSet::new));
    MutexHistory lasting = new MutexHistory();
    for (Got got : told.got()) {
      End end = told.end(got.line(), got.token());
      boolean isTakenBack =
          !granted.contains(got.line() + " " + got.token())
              && isCrashed(evidence.faults(), got.invoked(), last(end));
      if (!isTakenBack) {
        lasting.got(got.line(), got.invoked(), got.completed(), got.token());
        copy(lasting, got, end);
      }
    }
    List<String> violations =
        BeliefChecker.violations(lasting, evidence.contests(), evidence.aheadMicros());
    return new Finding(lasting.got().size(), "holds that clients were told of", violations);
  }

  private static void copy(MutexHistory to, Got got, End end) {
    if (end == null) {
      return;
    }
    if (end.released()) {
      to.gave(got.line(), got.token(), end.invoked(), end.completed(), end.believed());
    } else {
      to.lost(got.line(), got.token(), end.believed());
    }
  }

  private static long last(End end) {
    return end == null || !end.released() ? Long.MAX_VALUE : end.completed();
  }

  private static boolean isCrashed(List<Happened> faults, long from, long to) {
    return faults.stream()
        .anyMatch(done -> done.fault().isCrash() && done.from() <= to && done.to() >= from);
  }
}
