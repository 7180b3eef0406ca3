package dev.pgkeeper.proof;

import dev.pgkeeper.proof.part.Part;
import dev.pgkeeper.proof.part.Result;
import dev.pgkeeper.testing.PrivateServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Runs a part for no longer than it may take. Of one that hangs it is written down what the threads
 * of all its processes do, and they are ended, so that the other parts can go on.
 */
final class TimeLimit {
  private static final Duration CLEAN_UP = Duration.ofSeconds(60);
  private static final Duration TELLING = Duration.ofSeconds(60);

  private final Part part;
  private final Settings settings;
  private final Progress progress;
  private final Set<ProcessHandle> others =
      ProcessHandle.current().descendants().collect(Collectors.toSet());

  TimeLimit(Part part, Settings settings, Progress progress) {
    this.part = part;
    this.settings = settings;
    this.progress = progress;
  }

  /**
   * What the part came to.
   *
   * @throws TimeoutException that says where the threads are written down, if it took too long
   */
  Result run() throws Exception {
    FutureTask<Result> task = new FutureTask<>(() -> part.run(settings, progress));
    Thread thread = new Thread(task, "part " + part.name());
    thread.setDaemon(true);
    thread.start();
    Duration limit = part.limit(settings);
    try {
      return task.get(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    } catch (TimeoutException e) {
      Path threads = writeThreads();
      end(thread);
      TimeoutException hung =
          new TimeoutException(
              "it was not over after %d s; what its threads did is in %s"
                  .formatted(limit.toSeconds(), threads));
      hung.initCause(e);
      throw hung;
    }
  }

  /** This process's own are the first ones. */
  private Path writeThreads() throws IOException, InterruptedException {
    Path file = Files.createDirectories(settings.output()).resolve(part.name() + "-threads.txt");
    ProcessHandle own = ProcessHandle.current();
    for (ProcessHandle process : Stream.concat(Stream.of(own), started("java")).toList()) {
      // One that was stopped could not tell.
      PrivateServer.signal("CONT", process.pid());
      Files.writeString(file, "\nprocess " + process.pid() + "\n", append());
      Process telling =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                  Long.toString(process.pid()),
                  "Thread.print")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(file.toFile()))
              .start();
      if (!telling.waitFor(TELLING.toSeconds(), TimeUnit.SECONDS)) {
        telling.destroyForcibly();
        Files.writeString(file, "it does not answer\n", append());
      }
    }
    return file;
  }

  private static StandardOpenOption[] append() {
    return new StandardOpenOption[] {StandardOpenOption.CREATE, StandardOpenOption.APPEND};
  }

  /** Those whom it waits for may be what hangs; without them it gets on. */
  private void end(Thread thread) throws InterruptedException {
    thread.interrupt();
    thread.join(CLEAN_UP.toMillis());
    List.of("java", "postgres")
        .forEach(program -> started(program).forEach(ProcessHandle::destroyForcibly));
    thread.join(CLEAN_UP.toMillis());
    if (thread.isAlive()) {
      progress.say("  " + part.name() + " does not let itself be ended");
    }
  }

  /** The part's processes: none is started by others meanwhile. */
  private Stream<ProcessHandle> started(String program) {
    return ProcessHandle.current()
        .descendants()
        .filter(process -> !others.contains(process))
        .filter(
            process ->
                process.info().command().map(Path::of).map(Path::getFileName).stream()
                    .anyMatch(name -> name.toString().equals(program)));
  }
}
