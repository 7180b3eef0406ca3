package dev.pgkeeper.cli.embedded;

import dev.pgkeeper.cli.output.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * PostgreSQL refuses to run as root, so for root its programs are started as somebody else. This is
 * how, and in which directory that somebody can work.
 */
record Unprivileged(List<String> prefix, Path directory, boolean asNobody) {
  private static final int NOBODY = 65534;
  private static final List<String> SETPRIV =
      List.of("setpriv", "--reuid=" + NOBODY, "--regid=" + NOBODY, "--clear-groups");

  /** A user namespace without mappings: not root to PostgreSQL, still the files' owner. */
  private static final List<String> UNSHARE = List.of("unshare", "-U");

  static Unprivileged find() {
    Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
    if (!"root".equals(System.getProperty("user.name"))) {
      return new Unprivileged(List.of(), temporary, false);
    }
    for (Path directory : List.of(temporary, Path.of("/tmp"))) {
      for (List<String> prefix : List.of(SETPRIV, UNSHARE)) {
        Unprivileged candidate = new Unprivileged(prefix, directory, prefix == SETPRIV);
        if (candidate.canEnter(directory)) {
          return candidate;
        }
      }
    }
    throw new Failure(
        "PostgreSQL does not run as root, and neither setpriv nor unshare can change the user on"
            + " this machine; run this as another user");
  }

  /** The command with its arguments, as a user that PostgreSQL accepts. */
  ProcessBuilder command(List<String> arguments) {
    List<String> command = new ArrayList<>(prefix);
    command.addAll(arguments);
    return new ProcessBuilder(command).redirectErrorStream(true);
  }

  /** Gives a new file or empty directory to the user that the programs run as. */
  void handOver(Path created) throws IOException {
    if (asNobody) {
      Files.setAttribute(created, "unix:uid", NOBODY);
      Files.setAttribute(created, "unix:gid", NOBODY);
    }
  }

  /** Lets that user reach what is in a directory, and neither list nor change it. */
  void letThrough(Path directory) throws IOException {
    if (asNobody) {
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
    }
  }

  /** Whether the programs, as that user, can get to what is in a directory. */
  boolean canEnter(Path place) {
    try {
      Process test =
          command(List.of("test", "-x", place.toString()))
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      return test.waitFor(10, TimeUnit.SECONDS) && test.exitValue() == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Failure("interrupted", e);
    }
  }
}
