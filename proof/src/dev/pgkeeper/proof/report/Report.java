package dev.pgkeeper.proof.report;

import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Evidence;
import dev.pgkeeper.proof.check.Scenarios;
import dev.pgkeeper.proof.check.Verdict;
import dev.pgkeeper.proof.part.Parts;
import dev.pgkeeper.proof.part.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

/** The page that people read: one file with all that it needs. */
public final class Report {
  private static final int MOST_VIOLATIONS = 20;

  private final StringBuilder html = new StringBuilder();

  private Report() {}

  public static void write(Path file, Settings settings, List<Outcome> outcomes)
      throws IOException {
    Report report = new Report();
    report.page(settings, outcomes);
    Path parent = file.toAbsolutePath().getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    Files.writeString(file, report.html);
  }

  private void page(Settings settings, List<Outcome> outcomes) {
    List<String> wrong = outcomes.stream().flatMap(one -> one.wrong().stream()).toList();
    long checks = outcomes.stream().mapToLong(outcome -> outcome.verdicts().size()).sum();
    add(
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
        <title>pgkeeper: proof, seed %d</title>
        <style>%s</style></head><body><main>
        <h1>pgkeeper: proof</h1>
        """
            .formatted(settings.seed(), Style.CSS));
    add(
        wrong.isEmpty()
            ? "<p class=\"verdict good\">All %d checks passed.</p>".formatted(checks)
            : "<p class=\"verdict bad\">%d of %d checks did not pass.</p>"
                .formatted(wrong.size(), Math.max(checks, wrong.size())));
    add(
        "<p class=\"quiet\">PostgreSQL %s, seed %d, %s UTC, mixed work for %d s. The histories are in <code>%s</code>.</p>"
            .formatted(
                Html.escape(settings.server()),
                settings.seed(),
                Instant.now().truncatedTo(ChronoUnit.SECONDS).toString().replaceAll("[TZ]", " "),
                settings.duration().toSeconds(),
                Html.escape(settings.output().toString())));
    if (!wrong.isEmpty()) {
      add("<ul class=\"bad\">");
      wrong.forEach(one -> add("<li>" + Html.escape(one) + "</li>"));
      add("</ul>");
    }
    outcomes.forEach(this::part);
    scenarios(outcomes);
    add("</main></body></html>\n");
  }

  private void part(Outcome outcome) {
    add(
        "<section><h2>%s</h2><p>%s. It took %d s.</p>"
            .formatted(
                outcome.part().name(),
                Html.escape(capital(outcome.part().summary())),
                outcome.took().toSeconds()));
    if (outcome.trouble() != null) {
      add(
          "<p class=\"%s\">%s: %s</p>"
              .formatted(
                  outcome.isSkipped() ? "quiet" : "bad",
                  outcome.isSkipped() ? "Skipped" : "Failed",
                  Html.escape(outcome.trouble())));
    }
    Result result = outcome.result();
    if (result != null) {
      Evidence evidence = result.evidence();
      if (evidence != null) {
        add(Timeline.svg(evidence));
      }
      verdicts(result.verdicts());
      if (!result.figures().isEmpty()) {
        add(GrowthCharts.html(result.figures()));
      }
      result.notes().forEach(note -> add("<p class=\"quiet\">" + Html.escape(note) + "</p>"));
    }
    add("</section>");
  }

  private void verdicts(List<Verdict> verdicts) {
    add(
        "<table><thead><tr><th>verdict</th><th>what has to hold</th><th>looked at</th></tr></thead><tbody>");
    for (Verdict verdict : verdicts) {
      add(
          "<tr><td class=\"%s\">%s</td><td>%s%s</td><td>%,d %s</td></tr>"
              .formatted(
                  verdict.isPassed() ? "good" : "bad",
                  verdict.word(),
                  Html.escape(verdict.promise()),
                  violations(verdict),
                  verdict.finding().examined(),
                  Html.escape(verdict.finding().ofWhat())));
    }
    add("</tbody></table>");
  }

  private static String violations(Verdict verdict) {
    List<String> all = verdict.finding().violations();
    if (all.isEmpty()) {
      return "";
    }
    StringBuilder list = new StringBuilder();
    list.append(
        "<details%s><summary>%,d found</summary><ul>"
            .formatted(verdict.isControl() ? "" : " open", all.size()));
    all.stream()
        .limit(verdict.isControl() ? 3 : MOST_VIOLATIONS)
        .forEach(one -> list.append("<li>").append(Html.escape(one)).append("</li>"));
    return list.append("</ul></details>").toString();
  }

  private void scenarios(List<Outcome> outcomes) {
    add(
        "<section><h2>The scenarios</h2><table><thead><tr><th>#</th><th>scenario</th><th>covered by</th></tr></thead><tbody>");
    Scenarios.all()
        .forEach(
            (number, title) ->
                add(
                    "<tr><td>%d</td><td>%s</td><td>%s</td></tr>"
                        .formatted(
                            number, Html.escape(title), Html.escape(Parts.covering(number)))));
    add("</tbody></table></section>");
  }

  private void add(String line) {
    html.append(line).append('\n');
  }

  private static String capital(String text) {
    return Character.toUpperCase(text.charAt(0)) + text.substring(1);
  }
}
