package dev.pgkeeper.proof.client;

import dev.pgkeeper.job.RunResult;
import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.scenario.Work;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Random;

/**
 * Runs the ticks of a job, which all processes try at about the same time and again a little later.
 * With {@code outside}, the effect does not share the run's transaction.
 */
public final class RunTheJobs implements Work {
  public static final String JOB = "job";

  private static final long TICK_MICROS = 150_000;
  private static final int LATEST = 20;
  private static final int FAILS_ONE_IN = 8;

  /** Work that does not end well. */
  private static final class Mishap extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  @Override
  public void once(Client client, Random random) throws Exception {
    // Most often the present one; at times one that others may have left undone.
    long back = random.nextInt(3) == 0 ? random.nextInt(LATEST) : 0;
    String tick = "tick-" + (Client.nowMicros() / TICK_MICROS - back);
    boolean fails = random.nextInt(FAILS_ONE_IN) == 0;
    Journal.write(
        client,
        "run",
        tick,
        "",
        () -> {
          try {
            RunResult result =
                client
                    .keeper()
                    .jobs()
                    .once(
                        JOB,
                        tick,
                        connection -> {
                          leaveEffect(client, connection, tick);
                          client.linger(random);
                          if (fails) {
                            throw new Mishap();
                          }
                        });
            return result.name();
          } catch (Mishap e) {
            return "MISHAP";
          }
        });
  }

  private static void leaveEffect(Client client, Connection connection, String tick)
      throws SQLException {
    if (client.mode().contains("outside")) {
      try (Connection own = client.dataSource().getConnection()) {
        insert(client, own, tick);
      }
    } else {
      insert(client, connection, tick);
    }
  }

  private static void insert(Client client, Connection connection, String tick)
      throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(
          "INSERT INTO %s.effect VALUES ('%s', '%s')".formatted(client.schema(), JOB, tick));
    }
  }
}
