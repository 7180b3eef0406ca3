package dev.pgkeeper.proof.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Evidence;
import dev.pgkeeper.proof.check.Finding;
import dev.pgkeeper.proof.check.Verdict;
import dev.pgkeeper.proof.fault.Fault;
import dev.pgkeeper.proof.fault.Fleet.Life;
import dev.pgkeeper.proof.fault.Happened;
import dev.pgkeeper.proof.growth.Measure;
import dev.pgkeeper.proof.growth.Series;
import dev.pgkeeper.proof.history.History;
import dev.pgkeeper.proof.history.History.Account;
import dev.pgkeeper.proof.part.Part;
import dev.pgkeeper.proof.part.Parts;
import dev.pgkeeper.proof.part.Result;
import dev.pgkeeper.scenario.GrantLog.Contest;
import dev.pgkeeper.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {
  private static final Part PART = Parts.all().get(0);

  @TempDir Path directory;

  private String page(Outcome outcome) throws IOException {
    Path file = directory.resolve("deep/report.html");
    Report.write(
        file, new Settings("18.6", 42, Duration.ofSeconds(60), directory), List.of(outcome));
    return Files.readString(file);
  }

  private static Outcome outcome(List<String> violations, boolean isControl) {
    Evidence evidence =
        new Evidence(
            TestDatabase.unmigrated(),
            History.of(List.of(new Account("c0.1", List.of("session 7")))),
            List.of(new Contest("/lock/a", 11, 7, 1_100_000, 1_200_000, 1_900_000)),
            List.of(),
            100_000,
            List.of(new Happened(Fault.SERVER_KILLED, -1, 2_000_000, 3_000_000)),
            List.of(new Life("c0.1", 0, 1_000_000, Long.MAX_VALUE)),
            5_000_000);
    Verdict verdict =
        new Verdict("p", "it is < so", List.of(1), new Finding(3, "things", violations), isControl);
    return new Outcome(
        PART,
        new Result(List.of(verdict), List.of(), evidence),
        null,
        false,
        Duration.ofSeconds(9));
  }

  @Test
  void itTellsTheServerTheSeedEachVerdictAndWhatWasLookedAt() throws IOException {
    assertThat(page(outcome(List.of(), false)))
        .contains(
            "PostgreSQL 18.6, seed 42",
            "All 1 checks passed",
            "it is &lt; so",
            "3 things",
            ">passed<");
  }

  @Test
  void itTellsWhatIsWrong() throws IOException {
    assertThat(page(outcome(List.of("one & two"), false)))
        .contains("1 of 1 checks did not pass", "VIOLATED", "one &amp; two");
    assertThat(page(outcome(List.of(), true))).contains("NOT SEEN TO FAIL", "did not pass");
    assertThat(page(outcome(List.of("one"), true))).contains("seen to fail", "All 1 checks passed");
  }

  @Test
  void itDrawsWhoHeldWhatByTheClientsClockAndWhichFaultWas() throws IOException {
    assertThat(page(outcome(List.of(), false)))
        .contains("/lock/a: client 0, token 11, 0.700 s")
        .contains("server killed (kill -9), at 1.0 s for 1.0 s")
        .contains("<rect class=\"c0\" x=\"137.0\"");
  }

  @Test
  void itDrawsWhatWasInUse() throws IOException {
    Series rows = new Series("node", Measure.ROWS, true, List.of(1.0, 2.0, Double.NaN, 400.0));
    Series none = new Series("idle", Measure.ROWS, true, List.of(0.0, 0.0, 0.0, 0.0));
    Outcome looked =
        new Outcome(
            PART,
            new Result(List.of(), List.of(), null, List.of(rows, none)),
            null,
            false,
            Duration.ZERO);
    assertThat(page(looked))
        .contains("<td>node</td><td>rows</td>", "<td>2</td><td>400</td><td>YES</td>")
        .contains("points=\"30.0,25.9 90.0,25.9 210.0,2.0 \"")
        .doesNotContain("<td>idle</td>");
  }

  @Test
  void itNeedsNothingButItself() throws IOException {
    assertThat(page(outcome(List.of(), false)))
        .doesNotContain("http://", "https://", "<script", "@import", "url(");
  }

  @Test
  void aPartThatFailedIsWrongAndOneThatWasSkippedIsNot() throws IOException {
    Outcome failed = new Outcome(PART, null, "no room\nat all", false, Duration.ZERO);
    assertThat(failed.wrong()).hasSize(1);
    assertThat(page(failed)).contains("Failed: no room");
    Outcome skipped = new Outcome(PART, null, "not here", true, Duration.ZERO);
    assertThat(skipped.wrong()).isEmpty();
    assertThat(page(skipped)).contains("Skipped: not here");
  }
}
