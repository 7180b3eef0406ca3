package dev.pgkeeper.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What time it is for a process with this environment, and for those it forks: Debian's {@code
 * faketime}. Clocks that count from the machine's start go on as they do; so to set this one on is
 * what a suspended machine is like.
 *
 * <p>The process looks when a file was modified, and takes that as the moment at which it was
 * started. It could read an offset from a file instead; but faketime 0.9.10 allocates memory for
 * that, also in a signal handler that asks for the time, as PostgreSQL's handler of timeouts does.
 * If the signal came amid another allocation, the heap is broken and the server crashes.
 */
public final class SettableClock {
  private final Path library;
  private final Path file;
  private final Instant started;

  private SettableClock(Path library, Path file, Instant started) {
    this.library = library;
    this.file = file;
    this.started = started;
  }

  /** The library that is to be loaded before all others, if the machine has it. */
  public static Optional<Path> library() throws IOException {
    Path libraries = Path.of("/usr/lib");
    if (!Files.isDirectory(libraries)) {
      return Optional.empty();
    }
    try (Stream<Path> directories = Files.list(libraries)) {
      return directories
          .map(directory -> directory.resolve("faketime/libfaketimeMT.so.1"))
          .filter(Files::isReadable)
          .findFirst();
    }
  }

  /** One that is right to a second for a process that is started now, until it is set. */
  public static SettableClock right(Path library) throws IOException {
    Path directory = RunDirectory.newDirectory("clock");
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path file = Files.createFile(directory.resolve("started"));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    SettableClock clock = new SettableClock(library, file, Instant.now());
    clock.set(0);
    return clock;
  }

  public Map<String, String> environment() {
    return Map.of(
        "LD_PRELOAD",
        library.toString(),
        "FAKETIME",
        "%",
        "FAKETIME_FOLLOW_FILE",
        file.toString(),
        "FAKETIME_DONT_RESET",
        "1",
        "FAKETIME_NO_CACHE",
        "1",
        "DONT_FAKE_MONOTONIC",
        "1");
  }

  /** So many seconds from the right time. */
  public void set(int seconds) throws IOException {
    Files.setLastModifiedTime(file, FileTime.from(started.plusSeconds(seconds)));
  }
}
