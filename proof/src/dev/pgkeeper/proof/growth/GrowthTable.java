package dev.pgkeeper.proof.growth;

import dev.pgkeeper.proof.MarkdownRows;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * All that was seen, as a Markdown table: the median of each sixth of the time, and what is
 * compared of the quarters.
 */
public final class GrowthTable {
  private static final int SIXTHS = 6;

  private GrowthTable() {}

  public static String markdown(List<Series> seen, Duration period) {
    List<List<String>> rows = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("of", "what", "unit"));
    for (int sixth = 0; sixth < SIXTHS; sixth++) {
      head.add(end(seen, period, sixth) + "–" + end(seen, period, sixth + 1));
    }
    head.addAll(List.of("2nd quarter", "last quarter", "most", "grew"));
    rows.add(head);
    seen.stream()
        .filter(series -> series.isThereAny() && series.isMoving())
        .forEach(series -> rows.add(row(series)));
    return MarkdownRows.text(rows) + "\nThe same all the time: " + still(seen) + ".\n";
  }

  private static String still(List<Series> seen) {
    return seen.stream()
        .filter(series -> series.isThereAny() && !series.isMoving())
        .map(series -> series.of() + " (" + series.measure().text() + ")")
        .collect(Collectors.joining(", "));
  }

  private static String end(List<Series> seen, Duration period, int sixth) {
    int looks = seen.stream().mapToInt(series -> series.values().size()).max().orElse(0);
    Duration end = period.multipliedBy((long) looks * sixth / SIXTHS);
    return end.toSeconds() % 60 == 0 ? end.toMinutes() + " min" : end.toSeconds() + " s";
  }

  private static List<String> row(Series series) {
    Measure measure = series.measure();
    List<String> row = new ArrayList<>(List.of(series.of(), measure.text(), measure.unit()));
    for (int sixth = 0; sixth < SIXTHS; sixth++) {
      row.add(Series.number(series.median(sixth, SIXTHS)));
    }
    double before = Growth.before(series);
    row.add(Series.number(before));
    row.add(Series.number(Growth.after(series)));
    row.add(Series.number(measure.most(before)));
    row.add(Growth.word(series));
    return row;
  }
}
