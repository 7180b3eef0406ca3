package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Checks;
import dev.pgkeeper.proof.fault.Fault.Place;
import dev.pgkeeper.proof.fault.Plan;
import dev.pgkeeper.proof.fault.Troublemaker;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Four processes that do everything, two of them through a network that breaks, while each kind of
 * fault happens to them and to their server.
 */
public final class MixedPart implements Part {
  private static final int CLIENTS = 4;

  /** The first of those behind the network that breaks. */
  private static final int BEHIND_THE_NETWORK = 2;

  /** For all to get back to work, and for waits that began before to end. */
  private static final Duration CALM = Duration.ofSeconds(6);

  /** Two operation timeouts and what a slow machine needs. */
  static final Duration BACK = Duration.ofSeconds(20);

  @Override
  public String name() {
    return "mixed";
  }

  @Override
  public List<Integer> scenarios() {
    return List.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 20);
  }

  @Override
  public String summary() {
    return "four processes do everything while clients, network and server fail in every way";
  }

  /** Long histories take long to be judged. */
  @Override
  public Duration limit(Settings settings) {
    return Part.super.limit(settings).plus(settings.duration().multipliedBy(2));
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    Random random = settings.random(name());
    try (PrivateServer server = PrivateServer.start(Ledger.SERVER_SETTINGS);
        TestDatabase database = TestDatabase.freshOn(server);
        TcpProxy network = TcpProxy.before(server.jdbcUrl());
        Stage stage =
            Stage.open(
                database,
                settings.output().resolve(name()),
                CLIENTS,
                Stage.PROTECTED,
                Stage.SWEEP,
                random,
                () -> {},
                client ->
                    Stage.Access.to(
                        client < BEHIND_THE_NETWORK
                            ? server.jdbcUrl()
                            : network.through(server.jdbcUrl())))) {
      Plan clients = Plan.draw(Place.CLIENT, settings.duration(), CLIENTS, random);
      Plan around = Plan.draw(Place.AROUND, settings.duration(), CLIENTS, random);
      Troublemaker troubles =
          new Troublemaker(
              server,
              database,
              network,
              stage.fleet(),
              random,
              done ->
                  progress.say(
                      "  "
                          + done.fault().text()
                          + (done.client() < 0 ? "" : " (client " + done.client() + ")")));
      progress.say(
          "%d clients work for %d s; %d faults are planned"
              .formatted(
                  CLIENTS,
                  settings.duration().toSeconds(),
                  clients.faults().size() + around.faults().size()));
      CompletableFuture<Void> toClients = carryOut(troubles, clients);
      CompletableFuture<Void> toTheRest = carryOut(troubles, around);
      CompletableFuture.allOf(toClients, toTheRest).join();
      Await.pause(CALM);
      return stage.conclude(
          name(), Checks.all(BACK), troubles.happened(), "requests: " + network.fates(), progress);
    }
  }

  private static CompletableFuture<Void> carryOut(Troublemaker troubles, Plan plan) {
    return CompletableFuture.runAsync(
        () -> {
          try {
            troubles.carryOut(plan);
          } catch (Exception e) {
            throw new CompletionException(e);
          }
        },
        task -> new Thread(task, "trouble").start());
  }
}
