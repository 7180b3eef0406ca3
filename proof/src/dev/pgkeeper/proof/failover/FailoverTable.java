package dev.pgkeeper.proof.failover;

import dev.pgkeeper.proof.MarkdownRows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** What was seen of each way, as a Markdown table. */
public final class FailoverTable {
  private FailoverTable() {}

  public static String markdown(List<Trial> trials) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of(
            "what happens",
            "who acts next",
            "times",
            "median s",
            "worst s",
            "the former one",
            "what the time consists of"));
    for (Way way : Way.values()) {
      List<Trial> its = trials.stream().filter(trial -> trial.way() == way).toList();
      if (!its.isEmpty()) {
        rows.add(row(way, its));
      }
    }
    return MarkdownRows.text(rows);
  }

  private static List<String> row(Way way, List<Trial> trials) {
    double[] seconds = trials.stream().mapToDouble(Trial::seconds).sorted().toArray();
    boolean isRight = trials.stream().allMatch(trial -> trial.violations().isEmpty());
    return List.of(
        way.text(),
        way.isOwnersStill() ? "the same one" : "the one who waited",
        Integer.toString(seconds.length),
        number(median(seconds)),
        number(seconds[seconds.length - 1]),
        isRight ? "refused" + (way.isOwnersStill() ? " once it is closed" : "") : "VIOLATED",
        way.consistsOf());
  }

  private static double median(double[] sorted) {
    return Arrays.stream(sorted, (sorted.length - 1) / 2, sorted.length / 2 + 1)
        .average()
        .orElseThrow();
  }

  private static String number(double seconds) {
    return String.format(Locale.ROOT, seconds < 1 ? "%.3f" : "%.1f", seconds);
  }
}
