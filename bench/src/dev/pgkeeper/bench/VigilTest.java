package dev.pgkeeper.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

class VigilTest {
  private static final Duration SHORT = Duration.ofMillis(5);

  private final List<String> seen = new CopyOnWriteArrayList<>();
  private final PrintStream nowhere = new PrintStream(PrintStream.nullOutputStream());
  private final Report report = new Report(nowhere, new JsonLines(nowhere));

  @Test
  void allAreWatchedBeforeTheFirstIsTold() throws InterruptedException {
    keep(new Recorded("a", ""), new Recorded("b", ""));

    assertThat(seen)
        .containsExactly(
            "a begin", "b begin", "a look", "b look", "a end", "b end", "a tell", "b tell",
            "a close", "b close");
    assertThat(report.end()).isTrue();
  }

  @Test
  void aCaseThatFailsIsClosedAndTheOthersGoOn() throws InterruptedException {
    keep(new Recorded("a", "start"), new Recorded("b", "look"), new Recorded("c", ""));

    assertThat(seen)
        .containsExactly("b begin", "c begin", "b close", "c look", "c end", "c tell", "c close");
    assertThat(report.end()).isFalse();
  }

  @Test
  void aPeerThatIsMissingIsNoFailure() throws InterruptedException {
    keep(new Recorded("a", "unavailable"));

    assertThat(report.end()).isTrue();
  }

  private void keep(PatientCase... cases) throws InterruptedException {
    try (Lab lab = new Lab(true, null)) {
      new Vigil(List.of(cases), SHORT, SHORT).keep(lab, report);
    }
  }

  /** Writes down what is done with it, and fails at one stage if it is told to. */
  private final class Recorded implements PatientCase, PatientCase.Watched {
    private final String name;
    private final String failsAt;

    Recorded(String name, String failsAt) {
      this.name = name;
      this.failsAt = failsAt;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public Watched start(Lab lab, Report itsReport) {
      if (failsAt.equals("start")) {
        throw new IllegalStateException("on purpose");
      } else if (failsAt.equals("unavailable")) {
        throw new Unavailable("not installed");
      }
      return this;
    }

    @Override
    public void begin() {
      note("begin");
    }

    @Override
    public void look() {
      note("look");
    }

    @Override
    public void end() {
      note("end");
    }

    @Override
    public void tell() {
      note("tell");
    }

    @Override
    public void close() {
      note("close");
    }

    private void note(String stage) {
      if (failsAt.equals(stage)) {
        throw new IllegalStateException("on purpose");
      }
      seen.add(name + " " + stage);
    }
  }
}
