package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Checks;
import dev.pgkeeper.proof.check.Evidence;
import dev.pgkeeper.proof.client.ClientSettings;
import dev.pgkeeper.proof.fault.Fault;
import dev.pgkeeper.proof.fault.Happened;
import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Random;

/**
 * The same work with each protection switched off, so that every check of the mixed part has to
 * find something: a check that cannot fail proves nothing.
 */
public final class ControlPart implements Part {
  private static final int CLIENTS = 3;

  /** What clients do without: fences, comparisons, the transaction, a look at a new session. */
  private static final String MODE = "unfenced,uncompared,outside,apart,once-only";

  private static final int ROUNDS = 7;
  private static final Duration ROUND = Duration.ofMillis(1300);

  /** A client that is stopped all the while, and said not to be. */
  private static final int DEAF = CLIENTS - 1;

  private static final Duration BACK = Duration.ofSeconds(4);

  @Override
  public String name() {
    return "control";
  }

  @Override
  public List<Integer> scenarios() {
    return new MixedPart().scenarios();
  }

  @Override
  public String summary() {
    return "the same work with every protection off: each check has to find something";
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    Random random = settings.random(name());
    try (PrivateServer server = PrivateServer.start();
        TestDatabase database = TestDatabase.freshOn(server);
        Stage stage =
            Stage.open(
                database,
                settings.output().resolve(name()),
                CLIENTS,
                MODE,
                random,
                () -> Unprotected.SQL.forEach(database::execute),
                client -> new Stage.Access(server.jdbcUrl(), ClientSettings.OF_THE_URL))) {
      progress.say(CLIENTS + " clients work without protection");
      long from = Client.nowMicros();
      stage.fleet().pause(DEAF);
      for (int i = 0; i < ROUNDS; i++) {
        Await.pause(ROUND);
        database.execute(
            "SELECT ${schema}.session_end(id) FROM ${schema}.session WHERE client LIKE 'c%.%' ORDER BY random() LIMIT 1");
      }
      Happened told = new Happened(Fault.CLIENT_STOPPED_SHORTLY, DEAF, from, from + 1);
      stage.fleet().resume(DEAF);
      Evidence evidence = stage.end(List.of(told));
      stage.drain("apart", random.nextLong());
      return new Result(
          MixedPart.judge(name(), Checks.all(BACK), evidence, true), List.of(), null);
    }
  }
}
