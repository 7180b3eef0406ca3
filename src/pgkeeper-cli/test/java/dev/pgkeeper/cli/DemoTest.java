package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.Await;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demo as a user runs it, in a directory for its files that the test can look into. */
class DemoTest {

  @TempDir private static Path directory;

  /** The server's own user has to reach it. */
  @BeforeAll
  static void letOthersIn() throws IOException {
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @Test
  void itTellsItsStoryEndsByItselfAndLeavesNothingBehind() throws Exception {
    Ran demo = Ran.toItsEnd(demo());
    assertThat(demo.err()).isEmpty();
    assertThat(demo.out())
        .contains(
            "fsync, synchronous_commit, full_page_writes: on, on, on.",
            "refused: /demo/config: the node has another version",
            "children /demo/members                          [ada, bob]",
            "callback",
            "ROLLBACK          no node, 0 rows",
            "COMMIT            one node, one row",
            "[OK, OK, BAD_VERSION]",
            "held again after",
            "kill -9",
            "children /demo/members                          [bob]",
            "FROM pgkeeper.sessions",
            "FROM pgkeeper.nodes",
            "FROM pgkeeper.watchers",
            "FROM pgkeeper.job_runs",
            "FROM pgkeeper.leaders",
            "FROM pgkeeper.candidates",
            "FROM pgkeeper.locks",
            "kill -STOP",
            "All of it was as told")
        .containsPattern("daily report \\| [0-9-]{10} \\| done  \\| 1       \\| demo")
        .containsPattern("refused: /demo/job (was lost|may be somebody else's by now)")
        .doesNotContain("NOT AS TOLD");
    assertThat(seconds(demo.out(), "/demo/members/ada is gone after ([0-9.]+) s"))
        .as("a killed process is noticed after the grace of 2 s")
        .isGreaterThanOrEqualTo(2.0);
    assertThat(seconds(demo.out(), "kill -9 .* who leads\\) +\\w+ leads after ([0-9.]+) s"))
        .as("a killed leader is followed after the grace")
        .isGreaterThanOrEqualTo(2.0);
    assertThat(demo.status()).isZero();
    assertThat(leftBehind()).isEmpty();
  }

  @Test
  void interruptedItStopsEverythingThatItStarted() throws Exception {
    Process demo = demo().redirectError(ProcessBuilder.Redirect.DISCARD).start();
    List<ProcessHandle> started = startedUntil(demo, "children /demo/members");
    demo.destroy();
    assertThat(demo.waitFor(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(started).filteredOn(ProcessHandle::isAlive).isEmpty();
    assertThat(leftBehind()).isEmpty();
  }

  @Test
  void killedItLeavesNothingBehindEither() throws Exception {
    Process demo = demo().redirectError(ProcessBuilder.Redirect.INHERIT).start();
    List<ProcessHandle> started = startedUntil(demo, "children /demo/members");
    demo.destroyForcibly();
    for (ProcessHandle process : started) {
      process.onExit().get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
    }
    assertThat(leftBehind()).isEmpty();
  }

  private static ProcessBuilder demo() {
    ProcessBuilder demo = Ran.command(Map.of(), "demo");
    demo.command().add(1, "-Djava.io.tmpdir=" + directory);
    return demo;
  }

  /** Reads up to a line that contains this, and returns the processes that there are by then. */
  private static List<ProcessHandle> startedUntil(Process demo, String told) throws IOException {
    BufferedReader lines = demo.inputReader();
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (line.contains(told)) {
        List<ProcessHandle> started = demo.descendants().toList();
        assertThat(started).as("server, guard, members").hasSizeGreaterThan(3);
        return started;
      }
    }
    throw new AssertionError("The demo ended without \"" + told + "\"");
  }

  private static List<String> leftBehind() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  private static double seconds(String text, String pattern) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    assertThat(matcher.find()).as(pattern).isTrue();
    return Double.parseDouble(matcher.group(1));
  }
}
