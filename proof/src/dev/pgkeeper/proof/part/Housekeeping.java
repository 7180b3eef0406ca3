package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.client.CreateInSequence;
import dev.pgkeeper.proof.client.UseTheRegisters;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * What an application does that goes on for long: it deletes nodes that nobody uses any more, and
 * has history kept for a time after which it does not grow. Then what grows is the library's.
 */
final class Housekeeping implements AutoCloseable {
  private static final Duration EVERY = Duration.ofSeconds(10);

  /** Whoever was stopped over a node that it had chosen has long been done with it. */
  private static final Duration UNUSED = Duration.ofSeconds(40);

  private static final Duration END = Duration.ofSeconds(30);

  private final TestDatabase database;
  private final ScheduledExecutorService keeper = Executors.newSingleThreadScheduledExecutor();

  private Housekeeping(TestDatabase database) {
    this.database = database;
  }

  /**
   * Begins with it.
   *
   * @param history how long holds and sessions that have ended are remembered
   */
  static Housekeeping begin(TestDatabase database, Duration history) {
    database.execute(
        "SELECT ${schema}.configure_history('a run of this length', in_keep => '%s')"
            .formatted(history));
    Housekeeping keeping = new Housekeeping(database);
    var unused =
        keeping.keeper.scheduleWithFixedDelay(
            keeping::tidy, EVERY.toMillis(), EVERY.toMillis(), TimeUnit.MILLISECONDS);
    return keeping;
  }

  /** Once. */
  void tidy() {
    try {
      tidy(UseTheRegisters.ROOT);
      for (int i = 0; i < CreateInSequence.parents(); i++) {
        tidy(CreateInSequence.parent(i));
      }
    } catch (IllegalStateException e) {
      // The server is away; what is old is still so the next time.
    }
  }

  private void tidy(String parent) {
    database.execute(
        String.format(
            Locale.ROOT,
            "SELECT ${schema}.delete(path) FROM (SELECT path FROM ${schema}.node WHERE parent = '%s'"
                + " AND ctime < clock_timestamp() - interval '%d s' ORDER BY path) AS old",
            parent,
            UNUSED.toSeconds()));
  }

  @Override
  public void close() throws InterruptedException {
    keeper.shutdown();
    if (!keeper.awaitTermination(END.toSeconds(), TimeUnit.SECONDS)) {
      keeper.shutdownNow();
    }
  }
}
