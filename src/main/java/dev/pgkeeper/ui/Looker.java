package dev.pgkeeper.ui;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/**
 * Looks again and again while somebody watches, on a connection and a thread of its own: after a
 * ring, or when the longest pause is over. While nobody watches it has no connection.
 *
 * <p>It hears the rings that the library sends to others, for some of the sessions. From the first
 * ring to the next look it does not listen, so a busy database sends it nothing that it would not
 * use; and it rests as its {@link Allowance} wants.
 */
final class Looker implements Runnable {
  static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);
  private static final Duration SHORTEST_PAUSE = Duration.ofSeconds(1);

  /** So soon a look that was asked for is seen to be. */
  private static final Duration GLANCE = Duration.ofMillis(250);

  /** After this a server that does not answer is taken for lost. */
  private static final Duration LONGEST_ANSWER = Duration.ofSeconds(20);

  private static final int MOST_CHANNELS = 200;
  private static final String PREPARE =
      "SET application_name = 'pgkeeper ui'; SET default_transaction_read_only = on;"
          + " SET statement_timeout = '15s'; SET TimeZone = 'UTC'; SET IntervalStyle = 'postgres'";

  private final Source source;
  private final Live live;
  private final Allowance allowance = new Allowance(System.nanoTime());
  private final Set<String> heard = new HashSet<>();

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
    heard.clear();
    connection.unwrap(PGConnection.class).setPrepareThreshold(1);
    try (PreparedStatement look = connection.prepareStatement(Section.queryOfAll(source.schema()));
        PreparedStatement sessions = connection.prepareStatement(channels())) {
      while (live.isWatched()) {
        long began = System.nanoTime();
        live.lookBegins();
        listen(connection, sessions);
        Map<String, String> sections = sections(look);
        long now = System.nanoTime();
        allowance.spend(now - began, now);
        long rest = Math.max(SHORTEST_PAUSE.toNanos(), allowance.rest());
        long longest = Math.max(rest, LONGEST_PAUSE.toNanos());
        live.saw(sections, Duration.ofNanos(longest));
        awaitRing(connection, began + longest);
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

  private String channels() {
    return "SELECT '"
        + source.schema()
        + ":' || session FROM "
        + source.schema()
        + ".sessions ORDER BY opened DESC LIMIT "
        + MOST_CHANNELS;
  }

  private void listen(Connection connection, PreparedStatement sessions) throws SQLException {
    Set<String> channels = new HashSet<>();
    try (ResultSet rows = sessions.executeQuery()) {
      while (rows.next()) {
        channels.add(rows.getString(1));
      }
    }
    if (!channels.equals(heard)) {
      try (Statement statement = connection.createStatement()) {
        statement.execute(
            channels.stream()
                .map(channel -> "LISTEN \"" + channel + "\"")
                .collect(Collectors.joining(";", "UNLISTEN *;", "")));
      }
      heard.clear();
      heard.addAll(channels);
    }
  }

  /** Until a ring, the deadline, a look that was asked for, or the last watcher's leaving. */
  private void awaitRing(Connection connection, long deadline) throws SQLException {
    PGConnection hearing = connection.unwrap(PGConnection.class);
    while (System.nanoTime() < deadline && live.isWatched() && !live.isLookWanted()) {
      PGNotification[] rings = hearing.getNotifications((int) GLANCE.toMillis());
      if (rings != null && rings.length > 0) {
        try (Statement statement = connection.createStatement()) {
          statement.execute("UNLISTEN *");
        }
        heard.clear();
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
