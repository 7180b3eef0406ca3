package dev.pgkeeper.testing;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * What takes seconds to make and is the same for every JVM of a build: PostgreSQL's programs, a
 * cluster, jars, an archive of classes. The JVM that needs a thing first makes it, the others wait
 * for that.
 *
 * <p>Surefire names the directory, which is below the build's own and stays until that is cleaned.
 * Where nobody names one, a process and those that it starts have a directory to themselves.
 */
final class Prepared {
  private static final String DIRECTORY = "pgkeeper.test.prepared";

  private Prepared() {}

  /** Makes a file or a directory that does not exist yet. */
  @FunctionalInterface
  interface Making {
    void at(Path path) throws IOException;
  }

  static Path directory() {
    String named = System.getProperty(DIRECTORY);
    if (named == null) {
      return RunDirectory.shared();
    }
    try {
      return Files.createDirectories(Path.of(named));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The thing of a kind that is made of this. One that was made of something else is removed.
   *
   * <p>To make one may need others, but never in a circle: each kind has a lock of its own, held
   * until the thing is there.
   */
  static synchronized Path get(String kind, String madeOf, String suffix, Making making) {
    Path directory = directory();
    String prefix = kind + "@";
    Path thing = directory.resolve(prefix + digest(madeOf) + suffix);
    try (RandomAccessFile file =
            new RandomAccessFile(directory.resolve(kind + ".lock").toFile(), "rw");
        FileLock held = file.getChannel().lock()) {
      if (!Files.exists(thing)) {
        try (DirectoryStream<Path> former =
            Files.newDirectoryStream(directory, prefix + "*" + suffix)) {
          for (Path outdated : former) {
            TestFiles.deleteRecursively(outdated);
          }
        }
        // A maker that was killed leaves it.
        Path partial = directory.resolve(kind + ".partial");
        TestFiles.deleteRecursively(partial);
        making.at(partial);
        Files.move(partial, thing, StandardCopyOption.ATOMIC_MOVE);
      }
      return thing;
    } catch (IOException e) {
      throw new UncheckedIOException(thing + " could not be made", e);
    }
  }

  private static String digest(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
