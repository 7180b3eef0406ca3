package dev.pgkeeper.bench;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Tables that read well in a terminal and, as Markdown, in a file of results. */
final class MarkdownTable implements ReportFormat {
  private final PrintStream out;
  private final List<String> settings = new ArrayList<>();
  private final List<List<String>> figures = new ArrayList<>();
  private final List<List<String>> comparisons = new ArrayList<>();

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
        List.of("case", "threads", "of", "ratio to", "value", "target", "met", "spread"));
  }

  @Override
  public void figure(Figure figure) {
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
    Boolean met = comparison.met();
    comparisons.add(
        List.of(
            comparison.caseName(),
            Integer.toString(comparison.threads()),
            comparison.of(),
            to == null ? "" : to,
            Numbers.plain(comparison.value()),
            target == null ? "" : target.toString(),
            (met == null ? "" : met ? "yes" : "NO")
                + (comparison.isReliable() ? "" : " (unreliable)"),
            percent(comparison.spread())));
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
