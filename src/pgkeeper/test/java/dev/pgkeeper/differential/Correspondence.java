package dev.pgkeeper.differential;

import java.util.Map;
import java.util.TreeMap;

/**
 * Which number of the judged side stands for which of the judge: a one-to-one relation, learnt from
 * the pairs that were seen.
 */
final class Correspondence {

  private final String what;
  private final boolean ordered;
  private final TreeMap<Long, Long> toJudged = new TreeMap<>();
  private final TreeMap<Long, Long> toJudge = new TreeMap<>();

  private Correspondence(String what, boolean ordered) {
    this.what = what;
    this.ordered = ordered;
  }

  static Correspondence ofAny(String what) {
    return new Correspondence(what, false);
  }

  /** The relation also keeps the order: what is later on one side is later on the other. */
  static Correspondence ofOrdered(String what) {
    return new Correspondence(what, true);
  }

  void check(String where, long judge, long judged) {
    Long known = toJudged.putIfAbsent(judge, judged);
    Long knownBack = toJudge.putIfAbsent(judged, judge);
    if ((known != null && known != judged) || (knownBack != null && knownBack != judge)) {
      throw new Difference(
          where + ": " + what + " are not one to one",
          judge + (known == null ? "" : ", seen before as the judged " + known),
          judged + (knownBack == null ? "" : ", seen before as the judge's " + knownBack));
    }
    if (ordered && known == null) {
      Map.Entry<Long, Long> lower = toJudged.lowerEntry(judge);
      Map.Entry<Long, Long> higher = toJudged.higherEntry(judge);
      if ((lower != null && lower.getValue() > judged)
          || (higher != null && higher.getValue() < judged)) {
        throw new Difference(
            where + ": " + what + " are not in the same order",
            "… " + lower + " … " + higher + " (judge=judged)",
            judge + "=" + judged);
      }
    }
  }
}
