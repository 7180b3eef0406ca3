package dev.pgkeeper.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What time it is for processes with this environment: Debian's {@code faketime}. Clocks that count
 * from the machine's start go on as they do; so to set this one on is what a suspended machine is
 * like.
 */
public final class SettableClock {
  private final Path library;
  private final Path directory;

  private SettableClock(Path library, Path directory) {
    this.library = library;
    this.directory = directory;
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

  /** One that is right, until it is set. */
  public static SettableClock right(Path library) throws IOException {
    Path directory = RunDirectory.newDirectory("clock");
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    SettableClock clock = new SettableClock(library, directory);
    clock.set(0);
    return clock;
  }

  public Map<String, String> environment() {
    return Map.of(
        "LD_PRELOAD",
        library.toString(),
        "FAKETIME_TIMESTAMP_FILE",
        file().toString(),
        "FAKETIME_NO_CACHE",
        "1",
        "DONT_FAKE_MONOTONIC",
        "1");
  }

  private Path file() {
    return directory.resolve("offset");
  }

  /** So many seconds from the right time. */
  public void set(int seconds) throws IOException {
    Path next = directory.resolve("next");
    Files.writeString(next, "%+d\n".formatted(seconds));
    Files.setPosixFilePermissions(next, PosixFilePermissions.fromString("rw-r--r--"));
    Files.move(next, file(), StandardCopyOption.ATOMIC_MOVE);
  }
}
