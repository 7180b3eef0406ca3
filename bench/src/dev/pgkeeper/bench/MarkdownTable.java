package dev.pgkeeper.bench;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Tables that read well in a terminal and, as Markdown, in a file of results. */
final class MarkdownTable implements ReportFormat {
  private final PrintStream out;
  private final List<String> settings = new ArrayList<>();
  private final List<List<String>> figures = new ArrayList<>();
  private final List<List<String>> comparisons = new ArrayList<>();

  /** By case and subject: comparisons follow the figures that they are made of. */
  private final Map<String, Figure> latest = new HashMap<>();

  MarkdownTable(PrintStream out) {
    this.out = out;
    figures.add(
        List.of(
            "case",
            "threads",
            "subject",
            "value",
            "unit",
            "p50 ms",
            "p99 ms",
            "spread",
            "client CPU us",
            "server CPU us"));
    comparisons.add(
        List.of(
            "case",
            "threads",
            "of",
            "ratio to",
            "ratio",
            "target",
            "verdict",
            "spread",
            "of: value",
            "to: value",
            "unit"));
  }

  @Override
  public void figure(Figure figure) {
    latest.put(key(figure.caseName(), figure.subject()), figure);
    figures.add(
        List.of(
            figure.caseName(),
            Integer.toString(figure.threads()),
            figure.subject(),
            Numbers.plain(figure.value()),
            figure.unit(),
            number(figure.p50Ms()),
            number(figure.p99Ms()),
            percent(figure.spread()),
            number(figure.clientCpuUs()),
            number(figure.serverCpuUs())));
  }

  @Override
  public void comparison(Comparison comparison) {
    String to = comparison.ratioTo();
    Target target = comparison.target();
    Figure own = figure(comparison, comparison.of());
    Figure other = to == null ? null : figure(comparison, to);
    comparisons.add(
        List.of(
            comparison.caseName(),
            Integer.toString(comparison.threads()),
            comparison.of(),
            to == null ? "" : to,
            comparison.told(),
            target == null ? "" : target.toString(),
            comparison.verdict(),
            percent(comparison.spread()),
            own == null ? "" : Numbers.plain(own.value()),
            other == null ? "" : Numbers.plain(other.value()),
            own == null ? "" : own.unit()));
  }

  private @Nullable Figure figure(Comparison comparison, String subject) {
    return latest.get(key(comparison.caseName(), subject));
  }

  private static String key(String caseName, String subject) {
    return caseName + "|" + subject;
  }

  @Override
  public void setting(String text) {
    settings.add(text);
  }

  @Override
  public void end() {
    print(comparisons);
    print(figures);
    settings.forEach(setting -> out.println("- " + setting));
    out.flush();
  }

  private void print(List<List<String>> rows) {
    int[] widths = new int[rows.get(0).size()];
    for (List<String> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    for (int row = 0; row < rows.size(); row++) {
      StringBuilder line = new StringBuilder("|");
      for (int i = 0; i < widths.length; i++) {
        String cell = rows.get(row).get(i);
        line.append(' ').append(cell).append(" ".repeat(widths[i] - cell.length())).append(" |");
      }
      out.println(line);
      if (row == 0) {
        out.println(line.toString().replaceAll("[^|]", "-"));
      }
    }
    out.println();
  }

  private static String number(@Nullable Double value) {
    return value == null ? "" : Numbers.plain(value);
  }

  private static String percent(@Nullable Double part) {
    return part == null ? "" : Numbers.percent(part);
  }
}
