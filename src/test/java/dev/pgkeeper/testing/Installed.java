package dev.pgkeeper.testing;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * Programs of the machine that a few tests need. Where one is missing these tests are skipped, and
 * say so; with {@code -Dpgkeeper.test.programs=required} they fail.
 */
public final class Installed {
  private static final String REQUIRED = "required";

  private Installed() {}

  /** The program; without it, the test ends here. */
  public static Path need(String name) {
    Optional<Path> program = find(name);
    if (program.isEmpty()) {
      String missing =
          "there is no " + name + " on this machine; on Debian: apt-get install " + name;
      if (REQUIRED.equals(System.getProperty("pgkeeper.test.programs"))) {
        throw new IllegalStateException(missing);
      }
      Assumptions.abort(missing);
    }
    return program.orElseThrow();
  }

  /** The program, if the machine has it. Servers are not on everybody's path. */
  public static Optional<Path> find(String name) {
    String path = System.getenv().getOrDefault("PATH", "");
    return Stream.concat(
            Pattern.compile(File.pathSeparator, Pattern.LITERAL).splitAsStream(path),
            Stream.of("/usr/sbin", "/opt/homebrew/bin"))
        .map(directory -> Path.of(directory, name))
        .filter(Files::isExecutable)
        .findFirst();
  }
}
