package dev.pgkeeper.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ContestTest {
  private static final Lab LAB = lab(new Pace(1, 3, Duration.ofMillis(5)));

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final Report report =
      new Report(quiet(), new JsonLines(new PrintStream(out, true, StandardCharsets.UTF_8)));

  @Test
  void subjectsTakeTurnsAndTheirRatioIsTold() throws InterruptedException {
    List<String> turns = new ArrayList<>();
    new Contest("suite.case", 2, Measure.latency())
        .entrant("pgkeeper", () -> steps("pgkeeper", 3_000_000, turns))
        .entrant("peer", () -> steps("peer", 1_000_000, turns))
        .compare("pgkeeper", "peer", Target.atMost(2.5))
        .run(LAB, report);

    assertThat(turns)
        .containsExactly(
            "pgkeeper", "peer", "pgkeeper", "peer", "pgkeeper", "peer", "pgkeeper", "peer");
    assertThat(lines())
        .containsExactly(
            "{\"case\":\"suite.case\",\"subject\":\"pgkeeper\",\"threads\":2,\"unit\":\"ms\","
                + "\"value\":3,\"p50_ms\":3,\"p99_ms\":3,\"spread\":0}",
            "{\"case\":\"suite.case\",\"subject\":\"peer\",\"threads\":2,\"unit\":\"ms\","
                + "\"value\":1,\"p50_ms\":1,\"p99_ms\":1,\"spread\":0}",
            "{\"case\":\"suite.case\",\"threads\":2,\"ratio_to\":\"peer\",\"value\":2.99,\"target\":2.5,"
                + "\"met\":false,\"of\":\"pgkeeper\",\"bound\":\"at most\",\"low\":2.99,\"high\":2.99,\"spread\":0,"
                + "\"verdict\":\"missed: 20 % too much\"}");
  }

  @Test
  void aPeerThatIsNotInstalledIsSkippedAndOneThatFailsDropsOut() throws InterruptedException {
    new Contest("suite.case", 1, Measure.rate("ops/s"))
        .entrant(
            "absent",
            () -> {
              throw new Unavailable("not installed");
            })
        .entrant(
            "broken",
            () ->
                thread ->
                    () -> {
                      throw new IllegalStateException("on purpose");
                    })
        .entrant("sound", () -> thread -> Worker.timing(() -> Thread.sleep(1)))
        .compare("sound", "broken", null)
        .run(LAB, report);

    assertThat(lines()).hasSize(1).first().asString().contains("\"subject\":\"sound\"");
    assertThat(report.end()).isFalse();
  }

  @Test
  void theTailIsHeldAgainstTheMedianOfTheStepsThatCount() throws InterruptedException {
    new Contest("suite.case", 1, Measure.latency())
        .entrant(
            "sound",
            () -> {
              long[] durations = {1_000_000, Worker.UNCOUNTED, 3_000_000, Worker.EXHAUSTED};
              AtomicInteger step = new AtomicInteger();
              return thread -> () -> durations[step.getAndIncrement()];
            })
        .tail("sound", Target.atMost(2))
        .run(lab(new Pace(0, 1, Duration.ofDays(1))), report);

    assertThat(lines())
        .last()
        .asString()
        .startsWith(
            "{\"case\":\"suite.case.p99\",\"threads\":1,\"ratio_to\":\"its p50\",\"value\":2.99")
        .contains("\"met\":false");
  }

  @Test
  void aRoundEndsWhenOneThreadHasNothingLeftToDo() throws InterruptedException {
    new Contest("suite.case", 1, Measure.rate("ops/s"))
        .entrant("sound", () -> thread -> () -> Worker.EXHAUSTED)
        .run(lab(new Pace(0, 1, Duration.ofDays(1))), report);

    assertThat(lines()).hasSize(1).first().asString().contains("\"value\":0");
  }

  private static Lab lab(Pace pace) {
    return new Lab(pace, true, null);
  }

  private static Workload steps(String name, long nanos, List<String> turns) {
    return new Workload() {
      @Override
      public Worker worker(int thread) {
        return () -> nanos;
      }

      @Override
      public void before() {
        turns.add(name);
      }
    };
  }

  /** Without settings, and without the processor time, which is never the same. */
  private List<String> lines() {
    return out.toString(StandardCharsets.UTF_8)
        .lines()
        .filter(line -> line.startsWith("{\"case\""))
        .map(line -> line.replaceAll(",\"[a-z]+_cpu_us\":[^,}]*", ""))
        .toList();
  }

  private static PrintStream quiet() {
    return new PrintStream(PrintStream.nullOutputStream());
  }
}
