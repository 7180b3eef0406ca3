package dev.pgkeeper.bench;

import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** One JSON object in a line for each figure, each comparison and each setting. */
final class JsonLines implements ReportFormat {
  private final PrintStream out;

  JsonLines(PrintStream out) {
    this.out = out;
  }

  @Override
  public void figure(Figure figure) {
    Map<String, @Nullable Object> line = new LinkedHashMap<>();
    line.put("case", figure.caseName());
    line.put("subject", figure.subject());
    line.put("threads", figure.threads());
    line.put("unit", figure.unit());
    line.put("value", figure.value());
    if (figure.p50Ms() != null) {
      line.put("p50_ms", figure.p50Ms());
      line.put("p99_ms", figure.p99Ms());
    }
    if (figure.spread() != null) {
      line.put("spread", figure.spread());
    }
    if (figure.clientCpuUs() != null) {
      line.put("client_cpu_us", figure.clientCpuUs());
      line.put("server_cpu_us", figure.serverCpuUs());
    }
    print(line);
  }

  @Override
  public void comparison(Comparison comparison) {
    Map<String, @Nullable Object> line = new LinkedHashMap<>();
    line.put("case", comparison.caseName());
    line.put("threads", comparison.threads());
    line.put("ratio_to", comparison.ratioTo());
    line.put("value", comparison.isMeaningful() ? comparison.value() : Double.NaN);
    Target target = comparison.target();
    line.put("target", target == null ? null : target.limit());
    line.put("met", comparison.met());
    line.put("of", comparison.of());
    if (target != null) {
      line.put("bound", target.atLeast() ? "at least" : "at most");
    }
    Series rounds = comparison.rounds();
    if (rounds != null) {
      line.put("low", rounds.low());
      line.put("high", rounds.high());
      line.put("spread", rounds.spread());
    }
    line.put("verdict", comparison.verdict());
    print(line);
  }

  @Override
  public void setting(String text) {
    Map<String, @Nullable Object> line = new LinkedHashMap<>();
    line.put("setting", text);
    print(line);
  }

  @Override
  public void end() {}

  private void print(Map<String, @Nullable Object> line) {
    out.println(
        line.entrySet().stream()
            .map(entry -> text(entry.getKey()) + ":" + value(entry.getValue()))
            .collect(Collectors.joining(",", "{", "}")));
    out.flush();
  }

  private static String value(@Nullable Object value) {
    if (value instanceof Double number) {
      return number.isNaN() || number.isInfinite() ? "null" : Numbers.plain(number);
    }
    return value instanceof String string ? text(string) : String.valueOf(value);
  }

  private static String text(String string) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char c : string.toCharArray()) {
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < ' ') {
        quoted.append(String.format("\\u%04x", (int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}
