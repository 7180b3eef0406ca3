package dev.pgkeeper.ui;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.postgresql.PGConnection;

/**
 * Looks again and again while somebody watches, on a connection and a thread of its own: after a
 * ring, or when the longest pause is over. While nobody watches it has no connection.
 *
 * <p>It hears the rings that the library sends to others, for some of the sessions. From the first
 * ring to the next look it does not listen, so a busy database sends it nothing that it would not
 * use; and it rests as its {@link Allowance} wants, within limits.
 */
final class Looker implements Runnable {
  static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);
  private static final Duration SHORTEST_PAUSE = Duration.ofSeconds(1);

  /** What is shown is no older, however long one look took. */
  private static final Duration LONGEST_REST = Duration.ofSeconds(10);

  /** So soon a look that was asked for is seen to be. */
  private static final Duration GLANCE = Duration.ofMillis(250);

  /** After this a server that does not answer is taken for lost. */
  private static final Duration LONGEST_ANSWER = Duration.ofSeconds(20);

  private static final String PREPARE =
      "SET application_name = 'pgkeeper ui'; SET default_transaction_read_only = on;"
          + " SET statement_timeout = '15s'; SET jit = off; SET TimeZone = 'UTC'; SET IntervalStyle = 'postgres'";

  private final Source source;
  private final Live live;
  private final Allowance allowance = new Allowance(System.nanoTime());

  Looker(Source source, Live live) {
    this.source = source;
    this.live = live;
  }

  /** A connection that can only read. */
  static Connection open(Source source) throws SQLException {
    Connection connection = source.connect();
    connection.setNetworkTimeout(Runnable::run, (int) LONGEST_ANSWER.toMillis());
    try (Statement statement = connection.createStatement()) {
      statement.execute(PREPARE);
      return connection;
    } catch (SQLException e) {
      connection.close();
      throw e;
    }
  }

  @Override
  public void run() {
    try {
      while (true) {
        live.awaitWatchers();
        try (Connection connection = open(source)) {
          lookWhileWatched(connection);
        } catch (SQLException e) {
          live.lost(source.explain(e));
          Thread.sleep(SHORTEST_PAUSE.toMillis());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the page was closed
    }
  }

  private void lookWhileWatched(Connection connection) throws SQLException, InterruptedException {
    connection.unwrap(PGConnection.class).setPrepareThreshold(1);
    try (PreparedStatement look = connection.prepareStatement(Section.queryOfAll(source.schema()));
        Rings rings = new Rings(connection, source.schema())) {
      while (live.isWatched()) {
        long began = System.nanoTime();
        live.lookBegins();
        rings.listen();
        Map<String, String> sections = sections(look);
        long now = System.nanoTime();
        allowance.spend(now - began, now);
        long rest =
            Math.min(LONGEST_REST.toNanos(), Math.max(SHORTEST_PAUSE.toNanos(), allowance.rest()));
        long longest = Math.max(rest, LONGEST_PAUSE.toNanos());
        live.saw(sections, Duration.ofNanos(longest));
        awaitRing(rings, began + longest);
        rest(began + rest);
      }
    }
  }

  private static Map<String, String> sections(PreparedStatement look) throws SQLException {
    Map<String, String> sections = new LinkedHashMap<>();
    try (ResultSet row = look.executeQuery()) {
      row.next();
      for (Section section : Section.ALL) {
        sections.put(section.name(), row.getString(section.name()));
      }
      sections.put(Live.LOOKED, row.getString("at"));
    }
    return sections;
  }

  /** Until a ring, the deadline, a look that was asked for, or the last watcher's leaving. */
  private void awaitRing(Rings rings, long deadline) throws SQLException {
    while (System.nanoTime() < deadline && live.isWatched() && !live.isLookWanted()) {
      if (rings.await(GLANCE)) {
        return;
      }
    }
  }

  private void rest(long deadline) throws InterruptedException {
    while (System.nanoTime() < deadline && live.isWatched() && !live.isLookWanted()) {
      Thread.sleep(GLANCE.toMillis());
    }
  }
}
