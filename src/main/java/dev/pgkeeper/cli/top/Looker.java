package dev.pgkeeper.cli.top;

import dev.pgkeeper.cli.Failure;
import dev.pgkeeper.cli.TargetDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/**
 * Looks again and again, on a connection and a thread of its own: after a ring, or when the longest
 * pause is over.
 *
 * <p>It hears the rings that the library sends to others: of locks that are handed on, of queues
 * and of watched nodes, for some of the sessions. It does not listen from the first ring to the
 * next look, so a busy database sends it nothing that it would not use; and it rests a hundred
 * times as long as looking took, so that it costs the server no more than a hundredth of a core.
 */
final class Looker implements Runnable {
  private static final Duration SHORTEST_PAUSE = Duration.ofSeconds(1);
  private static final int REST = 100;
  private static final int MOST_CHANNELS = 200;

  private final TargetDatabase database;
  private final Duration longestPause;
  private final Audience audience;
  private final Set<Long> heard = new HashSet<>();

  /** Who is told what was seen. */
  interface Audience {
    void saw(Snapshot snapshot);

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
    heard.clear();
    while (!Thread.currentThread().isInterrupted()) {
      listen(connection);
      long began = System.nanoTime();
      audience.saw(Snapshot.take(connection, database.schema()));
      long took = System.nanoTime() - began;
      long rest = Math.max(SHORTEST_PAUSE.toNanos(), REST * took);
      awaitRing(connection, Math.max(rest, longestPause.toNanos()) - took);
      pause(rest - (System.nanoTime() - began));
    }
    throw new SQLException("nobody looks any more");
  }

  private void listen(Connection connection) throws SQLException {
    Set<Long> sessions = new HashSet<>();
    try (Statement statement = connection.createStatement()) {
      try (ResultSet rows =
          statement.executeQuery(
              "SELECT session FROM "
                  + database.schema()
                  + ".sessions ORDER BY opened DESC LIMIT "
                  + MOST_CHANNELS)) {
        while (rows.next()) {
          sessions.add(rows.getLong(1));
        }
      }
      if (!sessions.equals(heard)) {
        statement.execute("UNLISTEN *;" + listens(sessions));
        heard.clear();
        heard.addAll(sessions);
      }
    }
  }

  private String listens(Set<Long> sessions) {
    return sessions.stream()
        .map(session -> "LISTEN \"" + database.schema() + ":" + session + "\"")
        .collect(Collectors.joining(";"));
  }

  private void awaitRing(Connection connection, long nanos) throws SQLException {
    PGNotification[] rings =
        connection
            .unwrap(PGConnection.class)
            .getNotifications((int) Math.max(1, Duration.ofNanos(nanos).toMillis()));
    if (rings != null && rings.length > 0) {
      try (Statement statement = connection.createStatement()) {
        statement.execute("UNLISTEN *");
      }
      heard.clear();
    }
  }

  private static void pause(long nanos) {
    try {
      Thread.sleep(Math.max(0, Duration.ofNanos(nanos).toMillis()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
