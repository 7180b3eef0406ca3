package dev.pgkeeper.proof.report;

import dev.pgkeeper.proof.growth.Growth;
import dev.pgkeeper.proof.growth.Series;
import java.util.List;
import java.util.Locale;

/** What was in use, as it went: a small chart for each, from nothing to the most that was seen. */
final class GrowthCharts {
  private static final int WIDTH = 240;
  private static final int HEIGHT = 28;

  private GrowthCharts() {}

  static String html(List<Series> seen) {
    StringBuilder html =
        new StringBuilder(
            "<details open><summary>What was in use</summary><table><thead><tr><th>of</th><th>what</th><th>as it went</th>"
                + "<th>second quarter</th><th>last quarter</th><th>grew</th></tr></thead><tbody>");
    seen.stream().filter(Series::isThereAny).forEach(series -> html.append(row(series)));
    return html.append("</tbody></table></details>").toString();
  }

  private static String row(Series series) {
    String unit = series.measure().unit();
    return "<tr><td>%s</td><td>%s%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>"
        .formatted(
            Html.escape(series.of()),
            series.measure().text(),
            unit.isEmpty() ? "" : ", " + unit,
            chart(series),
            Series.number(Growth.before(series)),
            Series.number(Growth.after(series)),
            Growth.word(series));
  }

  private static String chart(Series series) {
    double most =
        series.values().stream().filter(value -> value > 0).max(Double::compare).orElse(1.0);
    StringBuilder points = new StringBuilder();
    for (int i = 0; i < series.values().size(); i++) {
      double value = series.values().get(i);
      if (!Double.isNaN(value)) {
        points.append(
            String.format(
                Locale.ROOT,
                "%.1f,%.1f ",
                (i + 0.5) * WIDTH / series.values().size(),
                HEIGHT - 2 - value * (HEIGHT - 4) / most));
      }
    }
    return "<svg class=\"small\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s as it went\"><polyline class=\"rate\" points=\"%s\"/></svg>"
        .formatted(WIDTH, HEIGHT, series.measure().text(), points);
  }
}
