package dev.pgkeeper.environment;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Installed;
import dev.pgkeeper.testing.JavaProgram;
import dev.pgkeeper.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Interrupts at random moments: of virtual threads where there is a JDK that has them, of platform
 * threads otherwise. {@code -Dpgkeeper.interrupts} says how many.
 */
class InterruptedThreadsTest {
  private static final int INTERRUPTS = Integer.getInteger("pgkeeper.interrupts", 400);

  @Test
  void nothingIsLeakedDoubledOrSaidToBeUndoneThatWasDone() throws Exception {
    try (TestDatabase database = TestDatabase.fresh()) {
      Process run =
          new ProcessBuilder(
                  List.of(
                      Installed.newestJava().toString(),
                      "-Xmx256m",
                      "-cp",
                      JavaProgram.classPath(),
                      InterruptedRun.class.getName(),
                      database.jdbcUrl(),
                      database.schema(),
                      "1",
                      Integer.toString(INTERRUPTS)))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      try {
        String said = new String(run.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(run.waitFor(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(said).doesNotContain("VIOLATED").contains("done: " + INTERRUPTS + " interrupts");
      } finally {
        run.destroyForcibly();
      }
    }
  }
}
