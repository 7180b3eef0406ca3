package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Checks;
import dev.pgkeeper.proof.client.Pace;
import dev.pgkeeper.proof.fault.Fault.Place;
import dev.pgkeeper.proof.fault.Plan;
import dev.pgkeeper.proof.fault.Troublemaker;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Four processes that do everything, two of them through a network that breaks, while each kind of
 * fault happens to them and to their server.
 *
 * @param calmer so many times as long as in a short run it is calm between faults
 * @param spared clients that are never killed, whatever else happens to them
 * @param beside what goes on beside it
 */
record MixedRun(
    String part, Settings settings, Pace pace, int calmer, Set<Integer> spared, Beside beside) {
  private static final int CLIENTS = 4;

  /** The first of those behind the network that breaks. */
  static final int BEHIND_THE_NETWORK = 2;

  /** For all to get back to work, and for waits that began before to end. */
  private static final Duration CALM = Duration.ofSeconds(6);

  /** Two operation timeouts and what a slow machine needs. */
  static final Duration BACK = Duration.ofSeconds(20);

  /** Begins before the work does, with nothing in the database but the library. */
  @FunctionalInterface
  interface Beside {
    AutoCloseable begin(PrivateServer server, TestDatabase database) throws Exception;
  }

  Result run(Progress progress) throws Exception {
    Random random = settings.random(part);
    try (PrivateServer server = PrivateServer.start(Ledger.SERVER_SETTINGS);
        TestDatabase database = TestDatabase.freshOn(server);
        AutoCloseable besides = beside.begin(server, database);
        TcpProxy network = TcpProxy.before(server.jdbcUrl());
        Stage stage =
            new Staging(settings, part, CLIENTS)
                .drawingFrom(random)
                .pace(pace)
                .open(
                    database,
                    client ->
                        Stage.Access.to(
                            client < BEHIND_THE_NETWORK
                                ? server.jdbcUrl()
                                : network.through(server.jdbcUrl())))) {
      Plan clients = plan(Place.CLIENT, random).sparing(spared, CLIENTS);
      Plan around = plan(Place.AROUND, random);
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
      long began = System.nanoTime();
      CompletableFuture<Void> toClients = carryOut(troubles, clients);
      CompletableFuture<Void> toTheRest = carryOut(troubles, around);
      CompletableFuture.allOf(toClients, toTheRest).join();
      Duration left = settings.duration().minusNanos(System.nanoTime() - began);
      Await.pause(left.compareTo(CALM) > 0 ? left : CALM);
      besides.close();
      return stage.conclude(
          part, Checks.all(BACK), troubles.happened(), "requests: " + network.fates(), progress);
    }
  }

  private Plan plan(Place place, Random random) {
    return Plan.draw(place, settings.duration(), CLIENTS, calmer, random);
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
