package dev.pgkeeper.cli.demo;

import dev.pgkeeper.cli.command.JavaCommand;
import dev.pgkeeper.cli.embedded.EmbeddedServer;
import dev.pgkeeper.cli.output.Failure;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Another process of the demo, seen from this one: what it says, and how it ends. */
final class Member implements AutoCloseable {
  private final String name;
  private final Process process;
  private final List<String> said = new ArrayList<>();
  private boolean ended;

  private Member(String name, Process process) {
    this.name = name;
    this.process = process;
    Thread reader = new Thread(this::listen, "pgkeeper-demo-" + name);
    reader.setDaemon(true);
    reader.start();
  }

  static Member start(Class<?> main, EmbeddedServer server, String name) {
    List<String> command = JavaCommand.quick();
    command.addAll(List.of("-Xmx64m", main.getName(), server.url(), server.user(), name));
    ProcessBuilder java =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    java.environment().put("CLASSPATH", System.getProperty("java.class.path"));
    java.environment().put("PGPASSWORD", server.password());
    try {
      return new Member(name, java.start());
    } catch (IOException e) {
      throw new Failure("another process could not be started: " + e.getMessage(), e);
    }
  }

  String name() {
    return name;
  }

  String path() {
    return Stage.MEMBERS + "/" + name;
  }

  long pid() {
    return process.pid();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** Waits for the next line that begins with this word, and returns the rest of it. */
  synchronized String await(String word) throws InterruptedException {
    long deadline = System.nanoTime() + Stage.PATIENCE.toNanos();
    while (true) {
      for (Iterator<String> lines = said.iterator(); lines.hasNext(); ) {
        String line = lines.next();
        if (line.startsWith(word + " ")) {
          lines.remove();
          return line.substring(word.length() + 1);
        }
      }
      long left = deadline - System.nanoTime();
      if (ended || left <= 0) {
        throw new Failure(
            "process "
                + pid()
                + " ("
                + name
                + (ended ? ") ended and" : ") in " + Stage.PATIENCE.toSeconds() + " s")
                + " did not say \""
                + word
                + "\"");
      }
      TimeUnit.NANOSECONDS.timedWait(this, left);
    }
  }

  /** Asks it to close its keeper and to end. */
  void askToLeave() throws IOException {
    process.getOutputStream().write('\n');
    process.getOutputStream().flush();
  }

  /** Waits for its end; the exit status. */
  int awaitExit() throws InterruptedException {
    if (!process.waitFor(Stage.PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new Failure("process " + pid() + " (" + name + ") does not end");
    }
    return process.exitValue();
  }

  /** {@code kill -9}. */
  void kill9() {
    process.destroyForcibly();
  }

  /** Sends it a signal: STOP pauses it, CONT lets it go on. */
  void signal(String signal) throws InterruptedException {
    try {
      int status =
          new ProcessBuilder("sh", "-c", "kill -" + signal + " " + pid()).start().waitFor();
      if (status != 0) {
        throw new Failure("process " + pid() + " (" + name + ") cannot be signalled");
      }
    } catch (IOException e) {
      throw new Failure("a signal cannot be sent: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    try {
      process.destroyForcibly().waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void listen() {
    try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        heard(line);
      }
    } catch (IOException e) {
      // It was killed.
    } finally {
      end();
    }
  }

  private synchronized void heard(String line) {
    said.add(line);
    notifyAll();
  }

  private synchronized void end() {
    ended = true;
    notifyAll();
  }
}
