package dev.pgkeeper.testing;

import dev.pgkeeper.cli.embedded.Binaries;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * PostgreSQL's own programs ({@code initdb}, {@code pg_ctl}, {@code postgres}), from the archive on
 * the class path, or those that are installed where {@code -Dpgkeeper.test.postgres.home} says: a
 * distribution's have what the archive's lack, as a compiler of plans (JIT).
 */
final class PostgresBinaries {

  private static final int NOBODY = 65534;
  private static final Pattern VERSION = Pattern.compile("\\(PostgreSQL\\) (\\S+)");

  private static PostgresBinaries unpacked;

  private final Path home;
  private final List<String> asUnprivileged;
  private final boolean ownedByNobody;

  private PostgresBinaries(Path home) {
    this.home = home;
    boolean root = "root".equals(System.getProperty("user.name"));
    List<String> setpriv =
        List.of("setpriv", "--reuid=" + NOBODY, "--regid=" + NOBODY, "--clear-groups");
    if (!root) {
      asUnprivileged = List.of();
      ownedByNobody = false;
    } else if (runs(setpriv)) {
      asUnprivileged = setpriv;
      ownedByNobody = true;
    } else if (runs(List.of("unshare", "-U"))) {
      asUnprivileged = List.of("unshare", "-U");
      ownedByNobody = false;
    } else {
      throw new IllegalStateException(
          "PostgreSQL does not run as root, and neither setpriv nor unshare can change the user on this"
              + " machine. Run the tests as another user, or set PGKEEPER_TEST_URL.");
    }
  }

  static synchronized PostgresBinaries get() {
    if (unpacked == null) {
      try {
        unpacked = new PostgresBinaries(unpack());
      } catch (IOException e) {
        throw new UncheckedIOException("The PostgreSQL binaries could not be unpacked", e);
      }
    }
    return unpacked;
  }

  /**
   * Below this run's directory they are reached by the other user, which a build's may not be; and
   * the processes that this one starts find them there.
   */
  private static Path unpack() throws IOException {
    String installed = System.getProperty("pgkeeper.test.postgres.home");
    if (installed != null) {
      return Path.of(installed);
    }
    Path own = RunDirectory.shared();
    if (!Prepared.directory().equals(own)) {
      Path prepared =
          onlyFileIn(
              Prepared.get(
                  "postgres",
                  JavaProgram.givenClassPath(),
                  "",
                  path -> Binaries.unpackInto(Files.createDirectory(path))));
      TestFiles.copyRecursively(prepared, own.resolve(prepared.getFileName()));
    }
    return Binaries.unpackInto(own);
  }

  private static Path onlyFileIn(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.findAny().orElseThrow();
    }
  }

  /** As {@code postgres --version} says it. */
  String version() {
    try {
      Process process = command("postgres", "--version").redirectErrorStream(true).start();
      String said =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      Matcher version = VERSION.matcher(said);
      if (!version.find()) {
        throw new IllegalStateException("postgres --version says " + said);
      }
      return version.group(1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A command that runs one of the programs, as a user that PostgreSQL accepts. */
  ProcessBuilder command(String program, String... arguments) {
    return unprivileged(home.resolve("bin").resolve(program), arguments);
  }

  /**
   * Starts a program with variables in its environment alone, and not in that of whoever starts it.
   */
  ProcessBuilder command(Map<String, String> environment, String program, String... arguments) {
    if (environment.isEmpty()) {
      return command(program, arguments);
    }
    List<String> all = new ArrayList<>();
    environment.forEach((name, value) -> all.add(name + "=" + value));
    all.add(home.resolve("bin").resolve(program).toString());
    all.addAll(Arrays.asList(arguments));
    return unprivileged(Path.of("/usr/bin/env"), all.toArray(String[]::new));
  }

  /** Starts a program from elsewhere as a user without privileges. */
  ProcessBuilder unprivileged(Path program, String... arguments) {
    List<String> command = new ArrayList<>(asUnprivileged);
    command.add(program.toString());
    command.addAll(Arrays.asList(arguments));
    return new ProcessBuilder(command);
  }

  /** Gives a new file or empty directory to the user that the programs run as. */
  void handOver(Path directory) throws IOException {
    if (ownedByNobody) {
      Files.setAttribute(directory, "unix:uid", NOBODY);
      Files.setAttribute(directory, "unix:gid", NOBODY);
    }
  }

  private static boolean runs(List<String> prefix) {
    List<String> command = new ArrayList<>(prefix);
    command.add("true");
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      return process.waitFor(Await.LIMIT.toSeconds(), TimeUnit.SECONDS) && process.exitValue() == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
