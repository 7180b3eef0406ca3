package dev.pgkeeper.proof.growth;

import java.util.ArrayList;
import java.util.List;

/**
 * Whether something grows: its median in the last quarter of the time is above that in the second
 * one by more than its {@link Measure} allows; or the least that was seen, of what gathers until it
 * is tidied. The first quarter does not count: caches fill, tables get as large as they need to be.
 */
public final class Growth {
  private static final int QUARTERS = 4;

  private Growth() {}

  /** What grew, or was not looked at when it had to be. */
  public static List<String> violations(List<Series> all) {
    List<String> violations = new ArrayList<>();
    for (Series series : all) {
      double before = before(series);
      double after = after(series);
      String name = series.of() + ": " + series.measure().text();
      if (Double.isNaN(before) || Double.isNaN(after)) {
        violations.add(name + " was not looked at in one of the quarters that are compared");
      } else if (grew(series)) {
        violations.add(
            "%s grew from %s to %s %s; up to %s is no growth"
                .formatted(
                    name,
                    Series.number(before),
                    Series.number(after),
                    series.measure().unit(),
                    Series.number(series.measure().most(before))));
      }
    }
    return violations;
  }

  /** What it is compared with. */
  public static double before(Series series) {
    return compared(series, 1);
  }

  /** What is compared. */
  public static double after(Series series) {
    return compared(series, 3);
  }

  private static double compared(Series series, int quarter) {
    return series.measure().gathers()
        ? series.least(quarter, QUARTERS)
        : series.median(quarter, QUARTERS);
  }

  /** What is said of it in tables. */
  public static String word(Series series) {
    if (!series.isWhole()) {
      return "several processes";
    }
    if (Kept.isOf(series)) {
      return "kept " + Kept.in(series.of()).orElseThrow().howLong();
    }
    return grew(series) ? "YES" : "no";
  }

  private static boolean grew(Series series) {
    return after(series) > series.measure().most(before(series));
  }
}
