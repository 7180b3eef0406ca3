package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Checks;
import dev.pgkeeper.proof.fault.Fault;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TcpProxy.Fate;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Random;

/**
 * Replies are lost, and nobody asks what became of the request: the only protection that is off
 * here, so that it is the one which is missed.
 */
public final class SettleControlPart implements Part {
  private static final int CLIENTS = 3;
  private static final Duration WORK = Duration.ofSeconds(2);
  private static final Duration LOST = Duration.ofSeconds(5);

  /** So many requests pass for each that meets with one of the fates that there are. */
  private static final int PASSING = 60;

  @Override
  public String name() {
    return "settle-control";
  }

  @Override
  public List<Integer> scenarios() {
    return List.of(7);
  }

  @Override
  public String summary() {
    return "replies are lost, and taken for requests that were not done: that has to be found";
  }

  @Override
  public boolean isQuick() {
    return false;
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    Random random = settings.random(name());
    try (PrivateServer server = PrivateServer.start(Ledger.SERVER_SETTINGS);
        TestDatabase database = TestDatabase.freshOn(server);
        TcpProxy network = TcpProxy.before(server.jdbcUrl());
        Stage stage =
            new Staging(settings, name(), CLIENTS)
                .drawingFrom(random)
                .without(() -> database.execute(Unprotected.NOT_SETTLED))
                .open(database, client -> Stage.Access.to(network.through(server.jdbcUrl())))) {
      Script script = new Script(progress);
      script.work(WORK);
      List<Fate> fates = TcpProxy.mix(PASSING * Fate.values().length);
      script.during(
          Fault.REPLIES_LOST,
          -1,
          "",
          LOST,
          () -> network.decideBy(() -> fates.get(random.nextInt(fates.size()))),
          () -> {
            stage.workUntil(script.happened(), database, Checks.registers()::finds);
            network.decideBy(() -> Fate.PASSES);
          });
      script.work(WORK);
      return stage.concludeControl(
          name(),
          List.of(Checks.registers()),
          script.happened(),
          "requests: " + network.fates(),
          database);
    }
  }
}
