package dev.pgkeeper.observe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.RunDirectory;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TestDatabase;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import javax.management.ObjectName;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the JDK's own recordings tell of a client. */
class FlightRecordingTest {

  private static TestDatabase database;

  @TempDir Path directory;

  @BeforeAll
  static void open() throws Exception {
    database = TestDatabase.fresh();
    writeBelow(RunDirectory.newDirectory("recordings"));
  }

  /** Otherwise the JDK leaves what it recorded among the temporary files if it is killed. */
  private static void writeBelow(Path directory) throws Exception {
    ManagementFactory.getPlatformMBeanServer()
        .invoke(
            new ObjectName("com.sun.management:type=DiagnosticCommand"),
            "jfrConfigure",
            new Object[] {new String[] {"repositorypath=" + directory}},
            new String[] {String[].class.getName()});
  }

  @AfterAll
  static void close() {
    database.close();
  }

  private interface Work {
    void run() throws Exception;
  }

  private List<RecordedEvent> recorded(String event, Duration threshold, Work work)
      throws Exception {
    Path file = directory.resolve("recording.jfr");
    try (Recording recording = new Recording()) {
      recording.enable(event).withThreshold(threshold);
      recording.start();
      work.run();
      recording.stop();
      recording.dump(file);
    }
    return RecordingFile.readAllEvents(file).stream()
        .filter(each -> each.getEventType().getName().equals(event))
        .toList();
  }

  private static void waitInVain(Keeper keeper, String path) throws InterruptedException {
    try (Held held = keeper.lock(path).acquire()) {
      assertThat(keeper.lock(held.path()).tryAcquire(Duration.ofMillis(100))).isEmpty();
    }
  }

  @Test
  void aWaitThatWasLongIsRecordedWithItsSessionAndPath() throws Exception {
    try (Keeper keeper = database.keeper()) {
      List<RecordedEvent> events =
          recorded(
              "pgkeeper.SlowWait", Duration.ofMillis(50), () -> waitInVain(keeper, "/slow/lock"));
      assertThat(events).hasSize(1);
      RecordedEvent wait = events.get(0);
      assertThat(wait.getLong("session")).isEqualTo(keeper.session().id());
      assertThat(wait.getString("path")).isEqualTo("/slow/lock");
      assertThat(wait.getString("recipe")).isEqualTo("mutex");
      assertThat(wait.getString("outcome")).isEqualTo("GIVEN_UP");
      assertThat(wait.getDuration()).isGreaterThanOrEqualTo(Duration.ofMillis(50));
      assertThat(wait.getStackTrace()).isNull();
    }
  }

  @Test
  void aWaitThatWasShortIsNot() throws Exception {
    try (Keeper keeper = database.keeper()) {
      assertThat(
              recorded(
                  "pgkeeper.SlowWait", Duration.ofMinutes(1), () -> waitInVain(keeper, "/short")))
          .isEmpty();
    }
  }

  @Test
  void aHoldThatWasTakenAwayIsRecorded() throws Exception {
    try (Keeper keeper = database.keeper()) {
      long[] token = {0};
      List<RecordedEvent> events =
          recorded(
              "pgkeeper.HoldLost",
              Duration.ZERO,
              () -> {
                Held held = keeper.lock("/taken").atMost(Duration.ofMillis(100)).acquire();
                token[0] = held.token();
                Heard<Object> heard = new Heard<>();
                held.onStateChange(heard::add);
                heard.await(state -> held.state().isTerminal());
              });
      assertThat(events).hasSize(1);
      assertThat(events.get(0).getLong("session")).isEqualTo(keeper.session().id());
      assertThat(events.get(0).getString("path")).isEqualTo("/taken");
      assertThat(events.get(0).getLong("token")).isEqualTo(token[0]);
    }
  }

  @Test
  void aBreakIsRecordedWhenItIsOver() throws Exception {
    try (Keeper keeper = database.keeper()) {
      Heard<SessionState> heard = new Heard<>();
      keeper.onStateChange(heard::add);
      List<RecordedEvent> events =
          recorded(
              "pgkeeper.Reconnected",
              Duration.ZERO,
              () -> {
                SessionLog.terminateBackendOf(database, keeper.session().id());
                heard.await(SessionState.JEOPARDY);
                heard.await(SessionState.HELD);
                Await.until("listening", () -> keeper.health().listens());
                keeper.tree().sync();
              });
      assertThat(events).hasSize(1);
      assertThat(events.get(0).getLong("session")).isEqualTo(keeper.session().id());
      assertThat(events.get(0).getDuration("away")).isPositive();
    }
  }

  @Test
  void theEndOfASessionIsRecorded() throws Exception {
    try (Keeper keeper = database.keeper()) {
      long session = keeper.session().id();
      Heard<SessionState> heard = new Heard<>();
      keeper.onStateChange(heard::add);
      List<RecordedEvent> events =
          recorded(
              "pgkeeper.SessionLost",
              Duration.ZERO,
              () -> {
                database.execute("SELECT ${schema}.session_end(" + session + ")");
                heard.await(SessionState.LOST);
              });
      assertThat(events).hasSize(1);
      assertThat(events.get(0).getLong("session")).isEqualTo(session);
      assertThat(events.get(0).getString("reason")).contains("lease");
    }
  }
}
