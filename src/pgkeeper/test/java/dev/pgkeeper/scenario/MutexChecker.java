package dev.pgkeeper.scenario;

import dev.pgkeeper.scenario.MutexHistory.End;
import dev.pgkeeper.scenario.MutexHistory.Got;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Whether a history is one of a linearizable mutex, whose grants moreover come in the order of
 * their tokens.
 *
 * <p>For any object one has to look for an order of all operations; here the tokens give it. A
 * history is linearizable if each operation can be given a moment between its invocation and its
 * completion so that, at those moments, one after the other is as a mutex does it: taken, given
 * back, taken, given back. With the tokens' order fixed, the earliest possible moments are the best
 * choice for everything that follows, so they are tried and nothing else: a history that passes has
 * such moments, and one that fails has none in the order of its tokens.
 *
 * <ul>
 *   <li>A hold that its client did not give back was ended by the database, at any moment after its
 *       client believed in it for the last time. A client that was killed may never have believed:
 *       it can be told late.
 *   <li>An acquisition of which nobody knows the outcome may not have happened, so leaving it out
 *       is right; if it did, it only makes others wait.
 *   <li>An attempt that came to nothing changes nothing, and may come to nothing at any time:
 *       patience ends, and a line in which others wait is busy.
 * </ul>
 */
public final class MutexChecker {
  private MutexChecker() {}

  public static List<String> violations(MutexHistory history) {
    List<String> violations = new ArrayList<>();
    List<Got> grants = new ArrayList<>(history.got());
    grants.sort(Comparator.comparing(Got::line).thenComparing(Got::token));
    Got before = null;
    long free = 0;
    for (Got grant : grants) {
      if (before == null || !before.line().equals(grant.line())) {
        free = 0;
      } else if (before.token() == grant.token()) {
        violations.add(before + " and " + grant + " have the same token");
      }
      long taken = Math.max(grant.invoked(), free);
      if (taken > grant.completed()) {
        violations.add(grant + " was told before " + before + " can have ended, at " + free);
        taken = grant.completed(); // says no more about those that follow
      }
      End end = history.end(grant.line(), grant.token());
      if (end == null) {
        free = taken;
      } else if (end.released()) {
        free = Math.max(taken, end.invoked());
        if (free > end.completed()) {
          violations.add(grant + " was given back before it can have been taken: " + end);
        }
      } else {
        free = Math.max(taken, end.believed());
      }
      before = grant;
    }
    return violations;
  }
}
