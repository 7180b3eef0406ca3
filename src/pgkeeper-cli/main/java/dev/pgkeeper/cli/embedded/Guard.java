package dev.pgkeeper.cli.embedded;

import dev.pgkeeper.cli.output.Failure;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * Stops the server and removes its directory, whatever ends this process, kill -9 and Ctrl-C
 * included: a shell that waits for the end of its standard input, which only this process holds. A
 * regular end takes the same way.
 */
final class Guard implements AutoCloseable {
  private static final long LONGEST_STOP_SECONDS = 30;

  /** Its input's last line is the process to stop. */
  private static final String SCRIPT =
      """
      trap '' INT TERM HUP
      while read -r line; do pid=$line; done
      if [ -n "$pid" ] && kill -INT "$pid"; then
        tries=0
        while kill -0 "$pid" && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
        kill -KILL "$pid"
      fi
      rm -rf "$1"
      """;

  private final Process shell;

  Guard(Path directory) throws IOException {
    shell =
        new ProcessBuilder("sh", "-c", SCRIPT, "pgkeeper-guard", directory.toString())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
  }

  /** From now on this is the process to stop. */
  void watchOver(Process process) throws IOException {
    shell.getOutputStream().write((process.pid() + "\n").getBytes(StandardCharsets.US_ASCII));
    shell.getOutputStream().flush();
  }

  /** Stops the process and removes the directory now. May be called more than once. */
  @Override
  public void close() {
    try {
      shell.getOutputStream().close();
      if (!shell.waitFor(LONGEST_STOP_SECONDS, TimeUnit.SECONDS)) {
        throw new Failure("the server did not stop within " + LONGEST_STOP_SECONDS + " seconds");
      }
    } catch (IOException e) {
      throw new Failure("the server could not be stopped: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
