package dev.pgkeeper.scenario;

import dev.pgkeeper.scenario.GrantLog.Contest;
import dev.pgkeeper.scenario.MutexHistory.End;
import dev.pgkeeper.scenario.MutexHistory.Got;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Whether clients were told what the database decided: each was granted what it was told it has,
 * and believed in it no longer than the database let it, and so not while somebody else held.
 */
public final class BeliefChecker {
  private BeliefChecker() {}

  /**
   * @param aheadMicros how much later it is for the database than for the clients, at least
   */
  public static List<String> violations(
      MutexHistory history, List<Contest> contests, long aheadMicros) {
    List<String> violations = new ArrayList<>();
    Map<String, Contest> decided = new HashMap<>();
    contests.forEach(contest -> decided.put(contest.line() + " " + contest.token(), contest));
    for (Got got : history.got()) {
      Contest contest = decided.get(got.line() + " " + got.token());
      End end = history.end(got.line(), got.token());
      if (contest == null || !contest.wasGranted()) {
        violations.add(got + " was told, and never granted");
      } else if (end != null && end.believed() + aheadMicros > contest.goneOr(Long.MAX_VALUE - 1)) {
        violations.add(got + " was believed in until " + end.believed() + ", but " + contest);
      }
    }
    return violations;
  }
}
