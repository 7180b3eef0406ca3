package dev.pgkeeper.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.internal.observe.Observation;
import dev.pgkeeper.internal.observe.Operation;
import dev.pgkeeper.internal.observe.QueueCounts;
import dev.pgkeeper.internal.observe.Wait;
import dev.pgkeeper.testing.TestDatabase;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The dashboard shows what there is. */
class DashboardTest {
  private static final Path FILE = Path.of("dashboards", "pgkeeper.json");
  private static final Pattern METRIC = Pattern.compile("\\bpgkeeper_[a-z_]+");
  private static final Pattern TAG = Pattern.compile("\\b([a-z]+)\\s*=~?\\s*\"");
  private static final Pattern GROUPED = Pattern.compile("by \\(([a-z, ]+)\\)");

  private static List<String> expressions() throws Exception {
    JsonNode dashboard = new ObjectMapper().readTree(FILE.toFile());
    List<String> expressions = new ArrayList<>();
    for (JsonNode found : dashboard.findValues("expr")) {
      expressions.add(found.asText());
    }
    assertThat(expressions).hasSizeGreaterThan(10);
    return expressions;
  }

  /** What Prometheus is given when everything that is measured has happened. */
  private static String scraped() {
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    try (TestDatabase database = TestDatabase.fresh();
        Keeper keeper = database.keeper()) {
      new KeeperMetrics(keeper).bindTo(registry);
      Observation observation = Observation.of(keeper);
      var unused = observation.measure(Operation.READ, () -> "");
      observation.granted("lock");
      observation.waits(1, "/a", "lock").end(Wait.End.GRANTED);
      observation.usesQueue("q");
      observation.counted(new QueueCounts("q", 1, 1, 1, 1, 1));
      return registry.scrape();
    }
  }

  private static Set<String> names(String text) {
    Set<String> names = new TreeSet<>();
    for (Matcher found = METRIC.matcher(text); found.find(); ) {
      names.add(found.group());
    }
    return names;
  }

  private static Set<String> series() {
    Set<String> series = new TreeSet<>();
    scraped()
        .lines()
        .filter(line -> !line.startsWith("#"))
        .forEach(line -> series.addAll(names(line.replaceAll("[{ ].*", ""))));
    return series;
  }

  @Test
  void everyMetricOnTheDashboardExists() throws Exception {
    Set<String> shown = new TreeSet<>();
    expressions().forEach(expression -> shown.addAll(names(expression)));
    assertThat(series()).containsAll(shown);
  }

  @Test
  void everyMetricThatExistsIsOnTheDashboard() throws Exception {
    Set<String> shown = new TreeSet<>();
    expressions().forEach(expression -> shown.addAll(names(expression)));
    Set<String> left = series();
    left.removeAll(shown);
    left.removeIf(name -> shown.stream().anyMatch(other -> isSameMeter(name, other)));
    assertThat(left).isEmpty();
  }

  /** A timer's count, sum and maximum are one meter. */
  private static boolean isSameMeter(String one, String other) {
    String ends = "_(count|sum|max)$";
    return one.replaceAll(ends, "").equals(other.replaceAll(ends, ""));
  }

  @Test
  void everyTagOnTheDashboardExists() throws Exception {
    Set<String> tags = new TreeSet<>(Set.of("job", "instance"));
    for (Matcher found = TAG.matcher(scraped()); found.find(); ) {
      tags.add(found.group(1));
    }
    for (String expression : expressions()) {
      for (Matcher found = TAG.matcher(expression); found.find(); ) {
        assertThat(tags).as(expression).contains(found.group(1));
      }
      for (Matcher found = GROUPED.matcher(expression); found.find(); ) {
        assertThat(tags).as(expression).contains(found.group(1).split(", "));
      }
    }
  }
}
