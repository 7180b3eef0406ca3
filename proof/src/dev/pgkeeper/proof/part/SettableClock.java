package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.AtExit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What time it is for processes with this environment: Debian's {@code faketime}, which looks at a
 * file once a second. Clocks that count from the machine's start go on as they do.
 */
final class SettableClock implements AutoCloseable {
  private final Path library;
  private final Path directory;
  private final AtExit atExit = AtExit.close(this);

  private SettableClock(Path library, Path directory) {
    this.library = library;
    this.directory = directory;
  }

  /** The library that is to be loaded before all others. */
  static Path library() throws Part.Unavailable, IOException {
    try (Stream<Path> directories = Files.list(Path.of("/usr/lib"))) {
      return directories
          .map(directory -> directory.resolve("faketime/libfaketimeMT.so.1"))
          .filter(Files::isReadable)
          .findFirst()
          .orElseThrow(
              () ->
                  new Part.Unavailable(
                      "no clock can be set on this machine: apt-get install faketime"));
    }
  }

  static SettableClock right(Path library) throws IOException {
    Path directory =
        Files.createTempDirectory(
            "pgkeeper-proof-clock-",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
    SettableClock clock = new SettableClock(library, directory);
    clock.set(0);
    return clock;
  }

  Map<String, String> environment() {
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
  void set(int seconds) throws IOException {
    Path next = directory.resolve("next");
    Files.writeString(next, "%+d\n".formatted(seconds));
    Files.setPosixFilePermissions(next, PosixFilePermissions.fromString("rw-r--r--"));
    Files.move(next, file(), StandardCopyOption.ATOMIC_MOVE);
  }

  @Override
  public void close() throws IOException {
    atExit.close();
    Files.delete(file());
    Files.delete(directory);
  }
}
