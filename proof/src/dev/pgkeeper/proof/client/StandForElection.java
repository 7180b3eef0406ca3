package dev.pgkeeper.proof.client;

import dev.pgkeeper.election.Candidacy;
import dev.pgkeeper.election.Leadership;
import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.scenario.Work;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Stands for election, leads for a moment and stands again. Says {@code got} and {@code lost} as
 * holders of locks do; a leadership is given up by the library some time after it was last believed
 * in.
 */
public final class StandForElection implements Work {
  public static final String PATH = "/leader";
  private static final long PATIENCE_S = 5;

  @Override
  public void once(Client client, Random random) throws Exception {
    CountDownLatch over = new CountDownLatch(1);
    long invoked = Client.nowMicros();
    Candidacy candidacy =
        client
            .keeper()
            .election(PATH)
            .run(
                leadership -> {
                  try {
                    lead(client, leadership, invoked, random);
                  } finally {
                    over.countDown();
                  }
                });
    try (candidacy) {
      boolean unused = over.await(PATIENCE_S, TimeUnit.SECONDS);
    }
  }

  private static void lead(Client client, Leadership leadership, long invoked, Random random) {
    long token = leadership.token();
    client.say("got " + PATH + " " + invoked + " " + Client.nowMicros() + " " + token);
    client.believe(leadership);
    client.linger(random);
    client.say("lost " + PATH + " " + token + " " + client.believed(leadership));
  }
}
