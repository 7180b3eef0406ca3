package dev.pgkeeper.bench.server;

import dev.pgkeeper.bench.Unavailable;
import java.io.File;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A server that ends with this process, however it goes, and whose data goes with it. Its data lies
 * where the data of a PostgreSQL started here lies, in the directory for temporary files.
 */
final class GuardedProcess implements AutoCloseable {
  static final Duration START_LIMIT = Duration.ofSeconds(30);

  /** Nobody but the process that started it holds its input. */
  private static final String GUARD =
      """
      home=$1; shift
      "$@" </dev/null >"$home/log" 2>&1 &
      trap '' INT TERM HUP
      while read -r _; do :; done
      kill -9 $!
      rm -rf "$home"
      """;

  private final String name;
  private final Path home;
  private final Process guard;

  private GuardedProcess(String name, Path home, Process guard) {
    this.name = name;
    this.home = home;
    this.guard = guard;
  }

  /** A directory for a server's data and settings. */
  static Path home(String name) throws IOException {
    return Files.createTempDirectory("pgkeeper-bench-" + name + "-");
  }

  static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /**
   * A program of this machine.
   *
   * @throws Unavailable if it is not installed
   */
  static Path program(String name) {
    String directories = System.getenv().getOrDefault("PATH", "");
    for (String directory : directories.split(Pattern.quote(File.pathSeparator))) {
      Path program = Path.of(directory, name);
      if (Files.isExecutable(program)) {
        return program;
      }
    }
    throw new Unavailable("there is no " + name + " on the PATH");
  }

  /** The first line in which a program tells its version. */
  static String version(Path program) throws IOException {
    Process process =
        new ProcessBuilder(program.toString(), "--version").redirectErrorStream(true).start();
    return process.inputReader().lines().findFirst().orElse("of an unknown version");
  }

  /** Starts it in its home; it may not take connections yet. */
  static GuardedProcess start(String name, Path home, List<String> command) throws IOException {
    List<String> guarded = new ArrayList<>(List.of("sh", "-c", GUARD, "guard", home.toString()));
    guarded.addAll(command);
    return new GuardedProcess(
        name,
        home,
        new ProcessBuilder(guarded)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start());
  }

  /** Returns once something listens there. */
  void awaitPort(int port) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    while (true) {
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
        return;
      } catch (ConnectException e) {
        if (System.nanoTime() > deadline) {
          throw new IOException(
              name + " did not start:\n" + Files.readString(home.resolve("log")), e);
        }
        Thread.sleep(50);
      }
    }
  }

  ProcessHandle handle() {
    return guard.toHandle();
  }

  /** The kind of file system that its data lies on. */
  String storage() throws IOException {
    return Files.getFileStore(home).type();
  }

  @Override
  public void close() throws IOException, InterruptedException {
    guard.getOutputStream().close();
    guard.waitFor();
  }
}
