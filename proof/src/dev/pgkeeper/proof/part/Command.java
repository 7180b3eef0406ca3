package dev.pgkeeper.proof.part;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Programs of the machine that set something up. */
final class Command {
  private Command() {}

  /**
   * Runs it to its end, and returns what it said.
   *
   * @throws Part.Unavailable if it is not there, or does not do it
   */
  static String run(String... command) throws Part.Unavailable, InterruptedException {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (process.waitFor() != 0) {
        throw new Part.Unavailable(String.join(" ", List.of(command)) + ": " + said.strip());
      }
      return said;
    } catch (IOException e) {
      throw new Part.Unavailable(String.valueOf(e.getMessage()));
    }
  }

  /** The same, where it does not matter whether there is anything to be done. */
  static void tryTo(String... command) throws InterruptedException {
    try {
      run(command);
    } catch (Part.Unavailable e) {
      // It was not there, or went already.
    }
  }
}
