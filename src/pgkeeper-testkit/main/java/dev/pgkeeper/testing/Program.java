package dev.pgkeeper.testing;

import java.io.PrintStream;
import java.util.concurrent.Callable;
import picocli.CommandLine;

/** How programs that are run by hand answer. */
public final class Program {
  /** The exit status of one that was called wrongly. */
  public static final int USAGE = 2;

  private Program() {}

  /**
   * Runs it. What is wrong with the arguments is said in one line.
   *
   * @param name the word that its lines begin with; {@code name/run} is how it is called
   * @return the exit status
   */
  public static int run(
      String name, Callable<Integer> command, PrintStream err, String... arguments) {
    return new CommandLine(command)
        .setParameterExceptionHandler(
            (e, given) -> {
              err.println(name + ": " + e.getMessage() + " (see " + name + "/run --help)");
              return USAGE;
            })
        .execute(arguments);
  }
}
