package dev.pgkeeper.cli.terminal;

import dev.pgkeeper.cli.output.Failure;
import java.io.IOException;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;

/** Opens the terminal of this process. */
public final class Terminals {
  private Terminals() {}

  /** Something that is done at the terminal. */
  @FunctionalInterface
  public interface Use {
    int at(Terminal terminal) throws Exception;
  }

  /** Whether standard input and output are one. */
  public static boolean isThere() {
    return picocli.CommandLine.Help.Ansi.AUTO.enabled() || System.console() != null;
  }

  /** Puts the terminal back as it was afterwards, also when a signal ends this process. */
  public static int use(Use use) throws Exception {
    try (Terminal terminal =
        TerminalBuilder.builder().name("pgkeeper").system(true).dumb(false).build()) {
      return use.at(terminal);
    } catch (IOException e) {
      throw new Failure("the terminal cannot be used: " + e.getMessage(), e);
    }
  }
}
