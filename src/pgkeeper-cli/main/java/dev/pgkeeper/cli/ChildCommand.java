package dev.pgkeeper.cli;

import dev.pgkeeper.cli.output.Failure;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A program that this process runs for its user while it holds something: with the same input and
 * output, and stopped no later than this process is. A signal that ends this process stops the
 * program first, and then waits until this object is closed: close it after everything that the
 * hold needs.
 */
final class ChildCommand implements AutoCloseable {
  private static final long GLANCE_MS = 100;
  private static final Duration LONGEST_GIVING_BACK = Duration.ofSeconds(10);

  private final List<String> command;
  private final Duration patience;
  private final boolean withoutCredentials;
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread hook = new Thread(this::atShutdown, "pgkeeper-stop-child");
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable Process process;
  private boolean stopped;

  /**
   * @param patience how long the program may take to end once it was asked to
   * @param withoutCredentials whether to keep from it what this process connects with
   */
  ChildCommand(List<String> command, Duration patience, boolean withoutCredentials) {
    this.command = List.copyOf(command);
    this.patience = patience;
    this.withoutCredentials = withoutCredentials;
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /**
   * Runs it to its end, or stops it once it may not go on, and returns its exit status: 128 and the
   * signal's number if a signal ended it.
   *
   * @throws Failure if it cannot be started
   */
  int run(Map<String, String> variables, BooleanSupplier mayGoOn) throws InterruptedException {
    Process running = start(variables);
    if (running == null) {
      return 143;
    }
    try {
      while (!running.waitFor(GLANCE_MS, TimeUnit.MILLISECONDS)) {
        if (!mayGoOn.getAsBoolean()) {
          stop();
        }
      }
    } finally {
      stop();
    }
    return running.exitValue();
  }

  /** Null if this process is about to end. */
  private @Nullable Process start(Map<String, String> variables) {
    ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
    if (withoutCredentials) {
      // libpq's and pgkeeper's own: a list of names would miss the next one
      builder.environment().keySet().removeIf(name -> name.startsWith("PG"));
    }
    builder.environment().putAll(variables);
    lock.lock();
    try {
      if (!stopped) {
        process = builder.start();
      }
      return process;
    } catch (IOException e) {
      throw new Failure(command.get(0) + " cannot be run: " + e.getMessage(), e);
    } finally {
      lock.unlock();
    }
  }

  /** Asks it to end (SIGTERM), and kills it with all that it started once the patience is over. */
  void stop() {
    lock.lock();
    try {
      stopped = true;
    } finally {
      lock.unlock();
    }
    Process running = process;
    if (running == null || !running.isAlive()) {
      return;
    }
    running.destroy();
    try {
      if (!running.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
        running.descendants().forEach(ProcessHandle::destroyForcibly);
        running.destroyForcibly();
      }
    } catch (InterruptedException e) {
      running.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  private void atShutdown() {
    stop();
    try {
      closed.await(LONGEST_GIVING_BACK.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    stop();
    closed.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // this process is ending: the hook runs, and waited for this
    }
  }
}
