package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Check;
import dev.pgkeeper.proof.check.Checks;
import dev.pgkeeper.proof.client.ClientSettings;
import dev.pgkeeper.proof.fault.Fault;
import dev.pgkeeper.testing.ChildProcess.Surroundings;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.SettableClock;
import dev.pgkeeper.testing.TestDatabase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * Clocks that are set: one client's and the server's are a minute ahead, right again, a minute
 * behind and right again, all of it while everybody works.
 */
public final class ClockPart implements Part {
  private static final int CLIENTS = 3;

  /** The client whose clock is set. */
  private static final int STEPPED = 0;

  private static final int[] OFFSETS_S = {60, 0, -60, 0};
  private static final Duration BETWEEN = Duration.ofMillis(1800);

  /** The timeout of a session, and the step. */
  private static final Duration BACK = Stage.TIMEOUT.plusSeconds(60);

  private static final Duration CALM = Duration.ofSeconds(4);

  @Override
  public String name() {
    return "clock";
  }

  @Override
  public List<Integer> scenarios() {
    return List.of(16);
  }

  @Override
  public String summary() {
    return "the clocks of a client and of the server are stepped by a minute, both ways";
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    Path library =
        SettableClock.library()
            .orElseThrow(
                () ->
                    new Unavailable(
                        "no clock can be set on this machine: apt-get install faketime"));
    try (PrivateServer server = PrivateServer.start(Ledger.SERVER_SETTINGS)) {
      server.stopFast();
      SettableClock serverClock = SettableClock.right(library);
      serverClock.environment().forEach(server::environment);
      server.startAgain();
      SettableClock clientClock = SettableClock.right(library);
      Surroundings stepped = new Surroundings(List.of(), clientClock.environment());
      try (TestDatabase database = TestDatabase.freshOn(server);
          Stage stage =
              new Staging(settings, name(), CLIENTS)
                  .open(
                      database,
                      client ->
                          new Stage.Access(
                              server.jdbcUrl(),
                              ClientSettings.OF_THE_URL,
                              client == STEPPED ? stepped : Surroundings.NONE))) {
        Script script = new Script(progress);
        for (int offset : OFFSETS_S) {
          script.work(BETWEEN);
          script.once(
              Fault.CLIENT_CLOCK_STEPPED,
              STEPPED,
              offset + " s from the right time",
              () -> clientClock.set(offset));
          script.work(BETWEEN);
          script.once(
              Fault.SERVER_CLOCK_STEPPED,
              -1,
              offset + " s from the right time",
              () -> serverClock.set(offset));
          script.once(
              Fault.CLIENT_KILLED, CLIENTS - 1, "", () -> stage.fleet().replace(CLIENTS - 1));
        }
        script.work(CALM);
        List<Check> judged =
            Checks.all(BACK).stream().filter(check -> !check.needsTheClock()).toList();
        return stage
            .conclude(
                name(),
                judged,
                script.happened(),
                "What compares moments of the database's clock is neither asked nor drawn here.",
                progress)
            .withoutContests();
      }
    }
  }
}
