package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.RunDirectory;
import dev.pgkeeper.testing.TestDatabase;
import java.io.File;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jline.terminal.Terminal;
import org.junit.jupiter.api.Test;

/** Who only embeds pgkeeper need not have JLine; the commands that want a terminal say so. */
class WithoutJLineTest {

  @Test
  void whatNeedsNoTerminalWorksAndTheRestSaysWhatIsMissing() throws Exception {
    try (TestDatabase database = TestDatabase.fresh()) {
      assertThat(ran(database, "--help").out()).contains("top", "shell");
      Ran once = ran(database, "top", "--once", "--schema", database.schema());
      assertThat(once.err()).isEmpty();
      assertThat(once.out()).startsWith("pgkeeper");
      Ran shell = ran(database, "shell", "--schema", database.schema());
      assertThat(shell.err())
          .isEqualToNormalizingNewlines(
              "pgkeeper shell: this needs org.jline:jline-reader on the class path, which is an optional dependency of pgkeeper\n");
      assertThat(shell.status()).isEqualTo(1);
    }
  }

  /** The bundle of JLine has one, and advisories are about it. */
  @Test
  void withJLineComesNoServerForTelnet() {
    ClassLoader loader = Terminal.class.getClassLoader();
    assertThat(loader.getResource("org/jline/reader/LineReader.class")).isNotNull();
    assertThat(loader.getResource("org/jline/builtins/telnet")).isNull();
    assertThat(loader.getResource("org/jline/builtins/telnet/TelnetIO.class")).isNull();
  }

  /** With a line on its standard input. */
  private static Ran ran(TestDatabase database, String... arguments) throws Exception {
    File input = RunDirectory.newFile(".in");
    Files.writeString(input.toPath(), "ls /\n");
    ProcessBuilder builder = Ran.command(Map.of("PGKEEPER_URL", database.jdbcUrl()), arguments);
    List<String> command = builder.command();
    command.replaceAll(WithoutJLineTest::withoutJLine);
    return Ran.toItsEnd(builder.redirectInput(input));
  }

  private static String withoutJLine(String argument) {
    return Arrays.stream(argument.split(File.pathSeparator))
        .filter(part -> !part.contains("jline"))
        .collect(Collectors.joining(File.pathSeparator));
  }
}
