package dev.pgkeeper.scenario;

import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;

/** What all scenarios have in common. */
public final class Scenario {
  /** Short enough that a process is easily stopped past them. */
  public static final KeeperOptions SHORT_SESSIONS =
      KeeperOptions.defaults()
          .withTimeout(Duration.ofSeconds(1))
          .withGrace(Duration.ofMillis(500))
          .withSweep(Duration.ofSeconds(1));

  private Scenario() {}

  /** The seed of a random run, printed; {@code -Dpgkeeper.seed} repeats it. */
  public static long seed(String test) {
    long seed = Long.getLong("pgkeeper.seed", System.nanoTime());
    System.out.println(test + ": -Dpgkeeper.seed=" + seed);
    return seed;
  }

  /** How much later it is for the database than by {@link Client#nowMicros}, at least. */
  public static long databaseClockAheadMicros(TestDatabase database) {
    long most = Long.MIN_VALUE;
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      for (int i = 0; i < 20; i++) {
        try (ResultSet row =
            statement.executeQuery(
                "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")) {
          row.next();
          most = Math.max(most, row.getLong(1) - Client.nowMicros());
        }
      }
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
    return most;
  }
}
