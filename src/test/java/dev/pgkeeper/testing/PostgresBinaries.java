package dev.pgkeeper.testing;

import io.zonky.test.db.postgres.embedded.DefaultPostgresBinaryResolver;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * PostgreSQL's own programs ({@code initdb}, {@code pg_ctl}, {@code postgres}), unpacked once a
 * machine from the archive on the class path.
 */
final class PostgresBinaries {

  private static final int NOBODY = 65534;

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

  /** A command that runs one of the programs, as a user that PostgreSQL accepts. */
  ProcessBuilder command(String program, String... arguments) {
    List<String> command = new ArrayList<>(asUnprivileged);
    command.add(home.resolve("bin").resolve(program).toString());
    command.addAll(Arrays.asList(arguments));
    return new ProcessBuilder(command);
  }

  /** Gives a new, empty directory to the user that the programs run as. */
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
      return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private static Path unpack() throws IOException {
    String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String system = os.contains("mac") ? "Darwin" : os.contains("windows") ? "Windows" : "Linux";
    String arch = System.getProperty("os.arch");
    byte[] archive;
    try (InputStream in =
        DefaultPostgresBinaryResolver.INSTANCE.getPgBinary(
            system, arch.equals("amd64") ? "x86_64" : arch)) {
      if (in == null) {
        throw new IllegalStateException(
            "There are no PostgreSQL binaries for " + os + " on " + arch);
      }
      archive = in.readAllBytes();
    }
    Path home =
        Path.of(System.getProperty("java.io.tmpdir"), "pgkeeper-test-postgres-" + digest(archive));
    if (Files.isDirectory(home)) {
      return home;
    }
    Path partial = Files.createTempDirectory("pgkeeper-test-postgres-");
    extract(archive, partial);
    Files.setPosixFilePermissions(partial, PosixFilePermissions.fromString("rwxr-xr-x"));
    try {
      Files.move(partial, home, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      return partial;
    } catch (FileSystemException e) {
      // Another process was faster; its copy is as good.
      TestFiles.deleteRecursively(partial);
    }
    return home;
  }

  private static void extract(byte[] archive, Path target) throws IOException {
    try (TarArchiveInputStream tar =
        new TarArchiveInputStream(
            new BufferedInputStream(
                new XZInputStream(new ByteArrayInputStream(archive)), 1 << 16))) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        Path file = target.resolve(entry.getName()).normalize();
        if (!file.startsWith(target)) {
          throw new IOException("The archive names a file outside itself: " + entry.getName());
        }
        if (entry.isDirectory()) {
          Files.createDirectories(file);
          continue;
        }
        Files.createDirectories(file.getParent());
        if (entry.isSymbolicLink()) {
          Files.createSymbolicLink(file, Path.of(entry.getLinkName()));
        } else if (entry.isLink()) {
          Files.createLink(file, target.resolve(entry.getLinkName()).normalize());
        } else {
          Files.copy(tar, file);
          Files.setPosixFilePermissions(
              file,
              PosixFilePermissions.fromString(
                  (entry.getMode() & 0100) != 0 ? "rwxr-xr-x" : "rw-r--r--"));
        }
      }
    }
  }

  private static String digest(byte[] archive) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(archive);
      return HexFormat.of().formatHex(hash, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
