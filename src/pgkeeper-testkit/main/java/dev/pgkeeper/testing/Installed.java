package dev.pgkeeper.testing;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * Programs of the machine that a few tests need. Where one is missing these tests are skipped, and
 * say so; with {@code -Dpgkeeper.test.programs=required} they fail.
 */
public final class Installed {
  private static final String REQUIRED = "required";
  private static final Pattern JAVA_VERSION = Pattern.compile("JAVA_VERSION=\"(\\d+)");

  private Installed() {}

  /** The program; without it, the test ends here. */
  public static Path need(String name) {
    return need(name, find(name));
  }

  /** Demands a part of a program that was looked for elsewhere. */
  public static Path need(String name, Optional<Path> found) {
    if (found.isEmpty()) {
      String missing =
          "there is no " + name + " on this machine; on Debian: apt-get install " + name;
      if (REQUIRED.equals(System.getProperty("pgkeeper.test.programs"))) {
        throw new IllegalStateException(missing);
      }
      Assumptions.abort(missing);
    }
    return found.orElseThrow();
  }

  /**
   * The {@code java} of the newest JDK beside the one that runs this, or of this one. {@code
   * -Dpgkeeper.test.java} says another.
   */
  public static Path newestJava() {
    Path own = Path.of(System.getProperty("java.home"));
    String given = System.getProperty("pgkeeper.test.java");
    if (given != null) {
      return Path.of(given);
    }
    try (Stream<Path> homes = Files.list(own.getParent())) {
      return homes
          .filter(home -> Files.isExecutable(java(home)))
          .max(Comparator.comparingInt(Installed::release))
          .map(Installed::java)
          .orElse(java(own));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path java(Path home) {
    return home.resolve("bin").resolve("java");
  }

  /** The feature release of a JDK; 0 of one that does not say. */
  private static int release(Path home) {
    try {
      Matcher version = JAVA_VERSION.matcher(Files.readString(home.resolve("release")));
      return version.find() ? Integer.parseInt(version.group(1)) : 0;
    } catch (IOException e) {
      return 0;
    }
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
