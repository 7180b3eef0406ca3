package dev.pgkeeper.scenario;

import dev.pgkeeper.scenario.GrantLog.Contest;
import java.util.ArrayList;
import java.util.List;

/**
 * Whether grants came in the order of joining: whoever was granted had nobody before it who still
 * waited, and those who joined later have larger tokens.
 */
public final class FairnessChecker {
  private FairnessChecker() {}

  /**
   * @param contests line by line, by token
   */
  public static List<String> violations(List<Contest> contests) {
    List<String> violations = new ArrayList<>();
    List<Contest> ahead = new ArrayList<>();
    Contest before = null;
    for (Contest contest : contests) {
      if (before == null || !before.line().equals(contest.line())) {
        ahead.clear();
      } else if (before.joined() > contest.joined()) {
        violations.add(contest + " joined before " + before + " and has a larger token");
      }
      if (contest.wasGranted()) {
        for (Contest earlier : ahead) {
          if (!(earlier.wasGranted() && earlier.granted() <= contest.granted())
              && earlier.goneOr(Long.MAX_VALUE) > contest.granted()) {
            violations.add(contest + " got ahead of " + earlier);
          }
        }
      }
      // Who was done with before this one joined is ahead of nobody that follows.
      ahead.removeIf(earlier -> earlier.goneOr(Long.MAX_VALUE) <= contest.joined());
      ahead.add(contest);
      before = contest;
    }
    return violations;
  }
}
