package dev.pgkeeper.testing;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A real JVM on the tests' class path, to be killed or stopped as an operating system would. A line
 * that it prints is what a test waits for; its standard error goes to the test's.
 */
public final class ChildProcess implements AutoCloseable {

  private static final String END = "\u0000end of output";

  private final Process process;
  private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
  private final List<String> seen = new ArrayList<>();

  private ChildProcess(Process process) {
    this.process = process;
    Thread reader = new Thread(this::read, "stdout of " + process.pid());
    reader.setDaemon(true);
    reader.start();
  }

  /** Starts {@code java mainClass arguments}. */
  public static ChildProcess start(Class<?> mainClass, String... arguments) {
    return start(List.of(), mainClass, arguments);
  }

  /** Starts {@code java jvmOptions mainClass arguments}. */
  public static ChildProcess start(
      List<String> jvmOptions, Class<?> mainClass, String... arguments) {
    return start(Surroundings.NONE, jvmOptions, mainClass, arguments);
  }

  /**
   * Where a process runs.
   *
   * @param wrapper a command that becomes the one that follows it, as {@code ip netns exec name}
   * @param environment variables on top of this process's own
   */
  public record Surroundings(List<String> wrapper, Map<String, String> environment) {
    public static final Surroundings NONE = new Surroundings(List.of(), Map.of());
  }

  /** Starts one in other surroundings. */
  public static ChildProcess start(
      Surroundings surroundings, List<String> jvmOptions, Class<?> mainClass, String... arguments) {
    List<String> command = new ArrayList<>(surroundings.wrapper());
    command.addAll(JavaProgram.command(jvmOptions));
    command.add(mainClass.getName());
    command.addAll(List.of(arguments));
    try {
      ProcessBuilder builder =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
      builder.environment().putAll(surroundings.environment());
      return new ChildProcess(builder.start());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits for the line until {@link Await#LIMIT}. */
  public String awaitLine(String prefix) throws InterruptedException {
    return awaitLine(prefix, Await.LIMIT);
  }

  /**
   * Waits for the next line that begins with the prefix, skipping others, and returns what follows
   * the prefix.
   *
   * @throws AssertionError if there is none within the limit, telling what was printed instead
   */
  public String awaitLine(String prefix, Duration limit) throws InterruptedException {
    Optional<String> line = lineWithin(prefix, limit);
    if (line.isEmpty()) {
      showThreads();
      throw new AssertionError(
          "No line \"" + prefix + "…\" within " + limit + "; printed: " + seen);
    }
    return line.get();
  }

  /**
   * Waits for a line like {@link #line}, but returns empty if there is none in this time.
   *
   * @throws AssertionError if the process ended without it
   */
  public Optional<String> lineWithin(String prefix, Duration limit) throws InterruptedException {
    long deadline = System.nanoTime() + limit.toNanos();
    while (true) {
      String line = lines.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
      if (line == null) {
        return Optional.empty();
      }
      if (line.equals(END)) {
        lines.add(END);
        throw new AssertionError("The process ended without \"" + prefix + "…\"; printed: " + seen);
      }
      seen.add(line);
      if (line.startsWith(prefix)) {
        return Optional.of(line.substring(prefix.length()));
      }
    }
  }

  /** What it is doing instead of what it was to do, for whoever has to find out why. */
  private void showThreads() throws InterruptedException {
    if (process.isAlive()) {
      PrivateServer.signal("QUIT", process.pid());
      for (String line = lines.poll(5, TimeUnit.SECONDS);
          line != null && !line.equals(END);
          line = lines.poll(1, TimeUnit.SECONDS)) {
        System.err.println("process " + process.pid() + ": " + line);
      }
    }
  }

  /** All lines that were printed and not awaited or taken yet. */
  public List<String> takeLines() {
    List<String> taken = new ArrayList<>();
    for (String line = lines.poll(); line != null; line = lines.poll()) {
      if (line.equals(END)) {
        lines.add(END);
        break;
      }
      taken.add(line);
    }
    seen.addAll(taken);
    return taken;
  }

  /** Writes a line to its standard input. */
  public void send(String line) {
    try {
      process.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
      process.getOutputStream().flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits for its end until {@link Await#LIMIT} and returns the exit status. */
  public int awaitExit() throws InterruptedException {
    return awaitExit(Await.LIMIT);
  }

  /** Waits for its end and returns the exit status. */
  public int awaitExit(Duration limit) throws InterruptedException {
    try {
      return CompletableFuture.supplyAsync(this::waitFor)
          .get(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("The process did not end within " + limit + "; printed: " + seen, e);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }

  public long pid() {
    return process.pid();
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** {@code kill -9}; returns when the process is gone. */
  public void kill9() throws InterruptedException {
    process.destroyForcibly();
    process.waitFor();
  }

  /** Stops it in its tracks (SIGSTOP), as a long collection or a hanging machine would. */
  public void stop() {
    PrivateServer.signal("STOP", process.pid());
  }

  /** Lets it go on (SIGCONT). */
  public void cont() {
    PrivateServer.signal("CONT", process.pid());
  }

  /** Kills it if it still runs. */
  @Override
  public void close() {
    process.destroyForcibly();
    waitFor();
  }

  private int waitFor() {
    try {
      return process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted", e);
    }
  }

  private void read() {
    try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        lines.add(line);
      }
    } catch (IOException e) {
      // the process was killed
    } finally {
      lines.add(END);
    }
  }
}
