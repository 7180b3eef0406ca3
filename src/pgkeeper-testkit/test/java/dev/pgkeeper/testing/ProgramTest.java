package dev.pgkeeper.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

class ProgramTest {
  private final ByteArrayOutputStream said = new ByteArrayOutputStream();

  /** Ends with the status that it is told, if it is one. */
  @Command(name = "it/run")
  private static final class It implements Callable<Integer> {
    @Option(names = "--status")
    private int status;

    @Spec private CommandSpec spec;

    @Override
    public Integer call() {
      if (status < 0) {
        throw new CommandLine.ParameterException(spec.commandLine(), "no status is below 0");
      }
      return status;
    }
  }

  private int run(String... arguments) {
    return Program.run(
        "it", new It(), new PrintStream(said, true, StandardCharsets.UTF_8), arguments);
  }

  private String said() {
    return said.toString(StandardCharsets.UTF_8);
  }

  @Test
  void whatCameOfItIsTheExitStatus() {
    assertThat(run("--status", "1")).isEqualTo(1);
    assertThat(said()).isEmpty();
  }

  @Test
  void whatIsWrongWithTheArgumentsIsSaidInOneLineAndTheStatusIsTwo() {
    assertThat(run("--stauts", "1")).isEqualTo(2);
    assertThat(said().lines()).singleElement().asString().startsWith("it: ").contains("--stauts");
  }

  @Test
  void soIsWhatTheProgramItselfFindsWrong() {
    assertThat(run("--status", "-1")).isEqualTo(2);
    assertThat(said())
        .isEqualTo("it: no status is below 0 (see it/run --help)" + System.lineSeparator());
  }
}
