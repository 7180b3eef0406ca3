package dev.pgkeeper.proof;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.proof.part.Part;
import dev.pgkeeper.proof.part.Result;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.ChildProcess;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TimeLimitTest {
  private static final Duration LONG = Duration.ofMinutes(10);
  private static final Result RESULT = new Result(List.of(), List.of("done"), null);

  @TempDir Path directory;

  /** What a part does. */
  @FunctionalInterface
  private interface Doing {
    Result run() throws Exception;
  }

  private Result limited(Duration limit, Doing doing) throws Exception {
    return limited(() -> limit, doing);
  }

  private Result limited(Supplier<Duration> limit, Doing doing) throws Exception {
    Part part =
        new Part() {
          @Override
          public String name() {
            return "some";
          }

          @Override
          public List<Integer> scenarios() {
            return List.of();
          }

          @Override
          public String summary() {
            return "something";
          }

          @Override
          public Duration limit(Settings settings) {
            return limit.get();
          }

          @Override
          public Result run(Settings settings, Progress progress) throws Exception {
            return doing.run();
          }
        };
    return new TimeLimit(
            part,
            new Settings("18.6", 1, LONG, directory),
            new Progress(new PrintStream(new ByteArrayOutputStream())))
        .run();
  }

  @Test
  void whatAPartComesToIsHandedOn() throws Exception {
    assertThat(limited(LONG, () -> RESULT)).isSameAs(RESULT);
    assertThatThrownBy(
            () ->
                limited(
                    LONG,
                    () -> {
                      throw new Part.Unavailable("not here");
                    }))
        .isInstanceOf(Part.Unavailable.class)
        .hasMessage("not here");
  }

  @Test
  void ofAPartThatHangsTheThreadsAreWrittenDownAndItsProcessesEnded() throws Exception {
    CompletableFuture<ChildProcess> started = new CompletableFuture<>();
    assertThatThrownBy(
            () ->
                limited(
                    // Its time begins when the process is there that is to be ended.
                    () -> {
                      started.orTimeout(Await.LIMIT.toSeconds(), TimeUnit.SECONDS).join();
                      return Duration.ofSeconds(1);
                    },
                    () -> {
                      ChildProcess child = ChildProcess.start(Sleeper.class);
                      child.awaitLine("asleep");
                      started.complete(child);
                      child.stop();
                      child.awaitExit();
                      return RESULT;
                    }))
        .isInstanceOf(TimeoutException.class)
        .hasMessageContaining("not over after 1 s")
        .hasMessageContaining("some-threads.txt");
    assertThat(Files.readString(directory.resolve("some-threads.txt")))
        .contains("ChildProcess.awaitExit", "TimeLimitTest$Sleeper.main");
    assertThat(started.get().awaitExit()).isNotZero();
  }

  /** A process that hangs. */
  static final class Sleeper {
    private Sleeper() {}

    public static void main(String[] arguments) throws InterruptedException {
      System.out.println("asleep");
      new CountDownLatch(1).await();
    }
  }
}
