package dev.pgkeeper.cli.top;

import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.Failure;
import dev.pgkeeper.ui.Rings;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;

/**
 * Looks again and again, on a connection and a thread of its own: after a ring, or when the longest
 * pause is over.
 *
 * <p>It rests a hundred times as long as looking took, so that it costs the server no more than a
 * hundredth of a core; but for no longer than ten seconds, because what is shown is taken for true.
 */
final class Looker implements Runnable {
  private static final Duration SHORTEST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST_REST = Duration.ofSeconds(10);
  private static final int REST = 100;

  private final TargetDatabase database;
  private final Duration longestPause;
  private final Audience audience;

  /** Who is told what was seen. */
  interface Audience {
    /** The next one comes within so long, and a look. */
    void saw(Snapshot snapshot, Duration untilNext);

    /** Nothing could be seen; it is tried again. */
    void failed(String why);
  }

  Looker(TargetDatabase database, Duration longestPause, Audience audience) {
    this.database = database;
    this.longestPause = longestPause;
    this.audience = audience;
  }

  @Override
  public void run() {
    try {
      while (true) {
        try {
          database.ask(this::lookAgainAndAgain);
        } catch (Failure e) {
          audience.failed(String.valueOf(e.getMessage()));
        }
        Thread.sleep(SHORTEST_PAUSE.toMillis());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // nobody looks any more
    }
  }

  /** Ends when the connection does, or this thread is interrupted. */
  private Void lookAgainAndAgain(Connection connection) throws SQLException {
    try (Rings rings = new Rings(connection, database.schema())) {
      while (!Thread.currentThread().isInterrupted()) {
        rings.listen();
        long began = System.nanoTime();
        Snapshot snapshot = Snapshot.take(connection, database.schema());
        long took = System.nanoTime() - began;
        long rest =
            Math.min(LONGEST_REST.toNanos(), Math.max(SHORTEST_PAUSE.toNanos(), REST * took));
        long longest = Math.max(rest, longestPause.toNanos());
        audience.saw(snapshot, Duration.ofNanos(longest));
        rings.await(Duration.ofNanos(longest - took));
        pause(rest - (System.nanoTime() - began));
      }
    }
    throw new SQLException("nobody looks any more");
  }

  private static void pause(long nanos) {
    try {
      Thread.sleep(Math.max(0, Duration.ofNanos(nanos).toMillis()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
