package dev.pgkeeper.scenario;

import dev.pgkeeper.scenario.GrantLog.Contest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Whether nobody was granted a lock while somebody else had it, by the database's clock. */
public final class OverlapChecker {
  private OverlapChecker() {}

  public static List<String> violations(List<Contest> contests) {
    List<String> violations = new ArrayList<>();
    List<Contest> holds =
        contests.stream()
            .filter(Contest::wasGranted)
            .sorted(Comparator.comparing(Contest::line).thenComparing(Contest::granted))
            .toList();
    for (int i = 1; i < holds.size(); i++) {
      Contest hold = holds.get(i - 1);
      Contest next = holds.get(i);
      if (hold.line().equals(next.line()) && hold.goneOr(Long.MAX_VALUE) > next.granted()) {
        violations.add(next + " was granted while " + hold + " held");
      }
    }
    return violations;
  }
}
