package dev.pgkeeper.cli.embedded;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Where PostgreSQL's programs are: unpacked once in a cache that other users cannot write to.
 *
 * <p>The cache is {@code pgkeeper} in {@code XDG_CACHE_HOME} or in {@code ~/.cache}. The user that
 * runs PostgreSQL for root cannot enter root's home, so there it is {@code /var/cache}. Where no
 * cache can be made, the programs lie in the directory of the server and go with it.
 */
final class Programs {
  private static final String INSTEAD =
      "remove it, or set XDG_CACHE_HOME to a directory that only you can write to";
  private static final Set<PosixFilePermission> OWN = PosixFilePermissions.fromString("rwx------");
  private static final Set<PosixFilePermission> LETS_THROUGH =
      PosixFilePermissions.fromString("rwx--x--x");

  private Programs() {}

  /**
   * Returns the directory whose {@code bin} has the programs, unpacked if they were not.
   *
   * @param home the directory of the server
   */
  static Path forServer(Unprivileged user, Path home) throws IOException {
    for (Path cache : caches(user)) {
      try {
        make(cache, user.asNobody() ? LETS_THROUGH : OWN);
        Path trusted = TrustedDirectory.check(cache, INSTEAD);
        if (user.canEnter(trusted)) {
          return TrustedDirectory.check(Binaries.unpackInto(trusted), INSTEAD);
        }
      } catch (FileSystemException e) {
        // No such home, or a file system that is read-only or full: without a cache then.
      }
    }
    return Binaries.unpackInto(home);
  }

  private static List<Path> caches(Unprivileged user) {
    List<Path> parents = new ArrayList<>();
    Path named = absolute(System.getenv("XDG_CACHE_HOME"));
    Path home = absolute(System.getProperty("user.home"));
    if (named != null) {
      parents.add(named);
    } else if (home != null && !user.asNobody()) {
      parents.add(home.resolve(".cache"));
    }
    if (user.asNobody()) {
      parents.add(Path.of("/var/cache"));
    }
    return parents.stream().map(parent -> parent.resolve("pgkeeper")).toList();
  }

  /** Null if it is not absolute: the XDG specification says to ignore it. */
  private static @Nullable Path absolute(@Nullable String path) {
    return path != null && Path.of(path).isAbsolute() ? Path.of(path) : null;
  }

  private static void make(Path cache, Set<PosixFilePermission> mode) throws IOException {
    Files.createDirectories(cache.getParent(), PosixFilePermissions.asFileAttribute(OWN));
    try {
      Files.createDirectory(cache, PosixFilePermissions.asFileAttribute(OWN));
      Files.setPosixFilePermissions(cache, mode);
    } catch (FileAlreadyExistsException e) {
      // What it is decides the check.
    }
  }
}
