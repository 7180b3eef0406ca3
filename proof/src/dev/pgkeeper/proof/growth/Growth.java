package dev.pgkeeper.proof.growth;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Whether something grows: its median in the last quarter of the time is above that in the second
 * one by more than its {@link Measure} allows. The first quarter does not count: caches fill,
 * tables get as large as they need to be.
 */
public final class Growth {
  static final int QUARTERS = 4;
  static final int BEFORE = 1;
  static final int AFTER = 3;

  private Growth() {}

  /** What grew, or was not looked at when it had to be. */
  public static List<String> violations(List<Series> all) {
    List<String> violations = new ArrayList<>();
    for (Series series : all) {
      double before = series.median(BEFORE, QUARTERS);
      double after = series.median(AFTER, QUARTERS);
      String name = series.of() + ": " + series.measure().text();
      if (Double.isNaN(before) || Double.isNaN(after)) {
        violations.add(name + " was not looked at in one of the quarters that are compared");
      } else if (grew(series)) {
        violations.add(
            String.format(
                Locale.ROOT,
                "%s grew from %.1f to %.1f %s; at most %.1f is no growth",
                name,
                before,
                after,
                series.measure().unit(),
                series.measure().most(before)));
      }
    }
    return violations;
  }

  static boolean grew(Series series) {
    return series.median(AFTER, QUARTERS) > series.measure().most(series.median(BEFORE, QUARTERS));
  }
}
