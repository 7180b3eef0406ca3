package dev.pgkeeper.testing;

import dev.pgkeeper.cli.embedded.TrustedDirectory;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;

/**
 * The directory of this process, below which everything lies that its tests write: data of servers,
 * unpacked programs, profiles of browsers. Nothing of it outlives the process, however that ends:
 *
 * <ul>
 *   <li>A shell waits for the end of its standard input, which only this process holds. Then it
 *       undoes what {@link #undo} was told of, ends every process that names the directory in its
 *       command line, and removes the directory.
 *   <li>The shell has a session of its own, so a signal to the group of processes does not reach
 *       it. Where it was killed all the same, the next run removes the directory: nobody holds the
 *       lock in it any more.
 * </ul>
 */
public final class RunDirectory {
  private static final String PREFIX = "pgkeeper-test-";
  private static final Path MEMORY = Path.of("/dev/shm");
  private static final long ROOM = 6L << 30;
  private static final String LOCK = "lock";
  private static final String UNDO = "undo";

  private static final String GUARD =
      """
      trap '' INT TERM HUP
      while read -r _; do :; done
      processes() {
        if [ -d /proc/self ]; then
          for process in /proc/[0-9]*; do
            if [ "${process#/proc/}" != $$ ] && tr '\\0' ' ' <"$process/cmdline" | grep -qF -- "$1"; then echo "${process#/proc/}"; fi
          done
        else
          pgrep -f -- "$1" | grep -vx $$
        fi 2>/dev/null
      }
      children() {
        if [ -d /proc/self ]; then
          grep -lx "PPid:[[:space:]]*$1" /proc/[0-9]*/status | cut -d/ -f3
        else
          pgrep -P "$1"
        fi 2>/dev/null
      }
      signal() { kill "$@" 2>/dev/null; }
      if [ -f "$1/undo" ]; then sh "$1/undo" >"$1/undo.log" 2>&1; fi
      # A server that is killed leaves shared memory behind; one that is told to quit does not.
      for file in $(find "$1" -name postmaster.pid); do
        postmaster=$(head -n 1 "$file")
        for process in $(children "$postmaster"); do signal -CONT "$process"; done
        signal -QUIT "$postmaster"
        signal -CONT "$postmaster"
      done
      for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        [ -z "$(find "$1" -name postmaster.pid)" ] && break
        sleep 0.1
      done
      for file in $(find "$1" -name postmaster.pid); do
        # "key id" of the shared memory of one that was killed
        set -- "$1" $(sed -n 7p "$file")
        [ -z "$3" ] || ipcrm -m "$3" 2>/dev/null
      done
      for process in $(processes "$1"); do signal -KILL "$process"; done
      rm -rf "$1" || { sleep 1; rm -rf "$1"; }
      """;

  private static final AtomicInteger COUNT = new AtomicInteger();

  private static RunDirectory ofThisProcess;

  private final Path path;

  @SuppressWarnings("unused") // held until the process ends
  private final FileLock lock;

  private RunDirectory(Path directory) throws IOException {
    Path parent =
        TrustedDirectory.check(directory, "set -Djava.io.tmpdir to another, or change its mode");
    removeAbandoned(parent);
    // Short: the paths of sockets below it have 107 bytes at most.
    String name = PREFIX + HexFormat.of().toHexDigits(new SecureRandom().nextInt());
    // Under another name until it is locked: it is not abandoned.
    Path unlocked = Files.createDirectory(parent.resolve("." + name));
    lock = new RandomAccessFile(unlocked.resolve(LOCK).toFile(), "rw").getChannel().lock();
    path = Files.move(unlocked, parent.resolve(name));
    // PostgreSQL runs as another user where the tests run as root.
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwx--x--x"));
    List<String> guard = new ArrayList<>();
    if (Files.isExecutable(Path.of("/usr/bin/setsid"))) {
      guard.add("/usr/bin/setsid");
    }
    guard.addAll(List.of("sh", "-c", GUARD, "guard", path.toString()));
    new ProcessBuilder(guard)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private static void removeAbandoned(Path parent) throws IOException {
    try (DirectoryStream<Path> runs = Files.newDirectoryStream(parent, PREFIX + "*")) {
      for (Path run : runs) {
        // To remove what another user made, while that user renames it, may remove something else.
        if (TrustedDirectory.isOwn(run)
            && Files.isWritable(run.resolve(LOCK))
            && isAbandoned(run)) {
          TestFiles.deleteRecursively(run);
        }
      }
    }
  }

  private static boolean isAbandoned(Path run) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(run.resolve(LOCK).toFile(), "rw");
        FileLock free = file.getChannel().tryLock()) {
      return free != null;
    }
  }

  /** The directory, made when it is first asked for. */
  public static synchronized Path get() {
    if (ofThisProcess == null) {
      try {
        ofThisProcess = new RunDirectory(parent());
      } catch (IOException e) {
        throw new UncheckedIOException("The tests' directory could not be made", e);
      }
    }
    return ofThisProcess.path;
  }

  /**
   * Of a process that another run started, its starter's; else the temporary directory, or what is
   * in memory: the suite makes and removes some 100,000 files. PostgreSQL writes and flushes there
   * as elsewhere.
   */
  private static Path parent() throws IOException {
    Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
    return Boolean.getBoolean("pgkeeper.test.in.memory") && !isOfARun(temporary) && isMemoryFit()
        ? MEMORY
        : temporary;
  }

  /** Whether it is in memory: nothing is measured there. */
  static boolean isInMemory() {
    return get().startsWith(MEMORY);
  }

  private static boolean isOfARun(Path directory) {
    return directory.getFileName().toString().startsWith(PREFIX);
  }

  /** Whether there is room, and programs may be started from there. */
  private static boolean isMemoryFit() throws IOException {
    if (!Files.isWritable(MEMORY) || Files.getFileStore(MEMORY).getUsableSpace() < ROOM) {
      return false;
    }
    try (Stream<String> mounts = Files.lines(Path.of("/proc/self/mounts"))) {
      return mounts.noneMatch(
          mount -> mount.contains(" " + MEMORY + " ") && mount.contains("noexec"));
    }
  }

  /** Where the first process of a run keeps what those that it starts need too. */
  public static Path shared() {
    Path own = get();
    Path parent = own.getParent();
    return isOfARun(parent) ? parent : own;
  }

  /** A new directory in it. */
  public static Path newDirectory(String name) throws IOException {
    return Files.createDirectory(get().resolve(name + "-" + COUNT.incrementAndGet()));
  }

  /** A new file in it. */
  public static File newFile(String suffix) throws IOException {
    return Files.createFile(get().resolve("file-" + COUNT.incrementAndGet() + suffix)).toFile();
  }

  /** Has this command run if the process is killed, for what no directory holds. */
  public static void undo(String command) {
    try {
      Files.writeString(
          get().resolve(UNDO),
          command + "\n",
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Where JUnit makes the directories of {@code @TempDir}. */
  public static final class Temporary implements TempDirFactory {
    @Override
    public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext extension)
        throws IOException {
      return newDirectory("junit");
    }
  }
}
