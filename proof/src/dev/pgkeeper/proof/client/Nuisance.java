package dev.pgkeeper.proof.client;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.testing.Await;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What an application does to the library in its own process. */
final class Nuisance {
  /** As many threads as a keeper has. */
  private static final int THREADS = 16;

  /** More connections than any pool here has. */
  private static final int TRIES = 40;

  private Nuisance() {}

  /** Takes every connection that it can get, for so long. */
  static void emptyThePool(Client client, long millis) {
    start(
        () -> {
          long end = System.nanoTime() + Duration.ofMillis(millis).toNanos();
          List<Connection> taken = new ArrayList<>();
          for (int i = 0; i < TRIES && System.nanoTime() - end < 0; i++) {
            try {
              taken.add(client.dataSource().getConnection());
            } catch (SQLException e) {
              client.say("trouble nothing left in the pool");
              break;
            }
          }
          Await.pause(Duration.ofNanos(Math.max(0, end - System.nanoTime())));
          for (Connection connection : taken) {
            try {
              connection.close();
            } catch (SQLException e) {
              client.say("trouble a connection broke meanwhile");
            }
          }
        });
  }

  /** Blocks every thread that the keeper has for its callers, for so long. */
  static void blockTheThreads(Client client, long millis) {
    start(
        () -> {
          try {
            Keeper keeper = client.keeper();
            for (int i = 0; i < THREADS; i++) {
              var unused =
                  keeper.async(
                      tree -> {
                        Await.pause(Duration.ofMillis(millis));
                        return tree;
                      });
            }
          } catch (KeeperException | IllegalStateException e) {
            client.say("trouble nobody to block " + e.getClass().getSimpleName());
          }
        });
  }

  private static void start(Runnable nuisance) {
    Thread thread = new Thread(nuisance, "nuisance");
    thread.setDaemon(true);
    thread.start();
  }
}
