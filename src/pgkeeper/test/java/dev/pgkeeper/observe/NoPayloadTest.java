package dev.pgkeeper.observe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What users put into the database is theirs: no log and no text shows it. */
class NoPayloadTest {
  @Test
  void noPayloadIsInALogOrATextWhateverIsUsedAndWhateverGoesWrong(@TempDir Path directory)
      throws Exception {
    Path log = directory.resolve("log");
    try (TestDatabase database = TestDatabase.fresh();
        ChildProcess tour =
            ChildProcess.start(
                List.of(
                    "-Dorg.slf4j.simpleLogger.defaultLogLevel=trace",
                    "-Dorg.slf4j.simpleLogger.logFile=" + log),
                PayloadTour.class,
                database.jdbcUrl(),
                database.schema())) {
      int status = tour.awaitExit();
      List<String> told = tour.takeLines();
      assertThat(told).as("it came to its end, %d", status).contains("the tour is over");
      assertThat(told).noneMatch(NoPayloadTest::showsIt);
      List<String> logged = Files.readAllLines(log);
      assertThat(logged)
          .as("what is logged")
          .anyMatch(line -> line.contains("TRACE") || line.contains("DEBUG"));
      assertThat(logged).noneMatch(NoPayloadTest::showsIt);
      assertThat(logged)
          .as("sessions lost are told in one line")
          .anyMatch(line -> line.contains("WARN") && line.contains("has ended"));
    }
  }

  /** As text, as the bytes of an array, or in hexadecimal digits. */
  private static boolean showsIt(String line) {
    return line.contains(PayloadTour.PAYLOAD)
        || line.contains("97, 45, 118, 101, 114, 121")
        || line.contains("612d766572792d736563726574");
  }
}
