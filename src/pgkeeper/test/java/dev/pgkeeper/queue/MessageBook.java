package dev.pgkeeper.queue;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Writes down what producers and consumers of two queues were told, and compares it with what is
 * there. Every message is waiting, claimed, dead or acked, once. Of one key, one message is worked
 * on at a time and in their order. In the end nothing is left.
 *
 * <p>A payload is {@code name} or {@code name|key|number}. A commit whose reply was lost may have
 * happened or not: such messages are left out where that decides.
 */
final class MessageBook {
  static final String PLAIN = "plain";
  static final String KEYED = "keyed";

  private static final int MOST_VIOLATIONS = 20;

  private final TestDatabase database;
  private final Queue<String> violations = new ConcurrentLinkedQueue<>();
  private final Set<String> enqueued = ConcurrentHashMap.newKeySet();
  private final Set<String> perhapsEnqueued = ConcurrentHashMap.newKeySet();
  private final Set<String> acked = ConcurrentHashMap.newKeySet();
  private final Set<String> perhapsAcked = ConcurrentHashMap.newKeySet();
  private final Set<String> outOfOrder = ConcurrentHashMap.newKeySet(); // has been dead, or late
  private final Map<String, String> workedOn = new ConcurrentHashMap<>(); // by key
  private final Map<String, Integer> lastOf = new ConcurrentHashMap<>(); // by key

  /** A message that a consumer has. */
  record Taken(long claim, long id, String payload) {
    String key() {
      String[] parts = payload.split("\\|");
      return parts.length == 3 ? parts[1] : "";
    }

    int number() {
      return Integer.parseInt(payload.substring(payload.lastIndexOf('|') + 1));
    }
  }

  /** A book about these two queues of this database, which are created. */
  static MessageBook open(TestDatabase database) {
    for (String queue : List.of(PLAIN, KEYED)) {
      database.execute("SELECT ${schema}.queue_create('" + queue + "', 3, 10, 40, 500)");
    }
    return about(database);
  }

  /** A book about two queues that are there. */
  static MessageBook about(TestDatabase database) {
    return new MessageBook(database);
  }

  private MessageBook(TestDatabase database) {
    this.database = database;
  }

  void violate(String what) {
    if (violations.size() < MOST_VIOLATIONS) {
      violations.add(what);
    }
  }

  List<String> violations() {
    return List.copyOf(violations);
  }

  /** A producer was told that these are enqueued. */
  void enqueued(List<String> payloads) {
    enqueued.addAll(payloads);
  }

  /** A producer was not told whether these are enqueued, unless it was told before. */
  void perhapsEnqueued(List<String> payloads) {
    payloads.stream().filter(payload -> !enqueued.contains(payload)).forEach(perhapsEnqueued::add);
  }

  /** A consumer begins to work on a message. */
  void begun(Taken taken) {
    String key = taken.key();
    if (!isKnown(taken.payload)) {
      Await.until(
          "its producer was answered, or is about to be: " + taken, () -> isKnown(taken.payload));
    }
    if (acked.contains(taken.payload)) {
      violate("acked and taken: " + taken);
    }
    if (!key.isEmpty()) {
      String other = workedOn.put(key, taken.payload);
      if (other != null) {
        violate("two of a key at once: " + taken + ", " + other);
      }
      if (!outOfOrder.contains(taken.payload)) {
        Integer last = lastOf.put(key, taken.number());
        if (last != null && last > taken.number()) {
          violate("out of order: " + taken + " after " + last);
        }
      }
    }
  }

  private boolean isKnown(String payload) {
    return enqueued.contains(payload) || perhapsEnqueued.contains(payload);
  }

  /** The consumer's work is over. To be called before the message can be another consumer's. */
  void ended(Taken taken) {
    workedOn.remove(taken.key(), taken.payload);
  }

  /** Nobody works on anything any more, whoever was broken off. */
  void endedAll() {
    workedOn.clear();
  }

  /** The message may come in any order from now on: it may be dead and driven again. */
  void outOfOrder(Taken taken) {
    outOfOrder.add(taken.payload);
  }

  void acknowledged(Taken taken) {
    if (!acked.add(taken.payload)) {
      violate("acked twice: " + taken);
    }
  }

  /** From now on nobody knows whether it is acked. */
  void perhapsAcked(Taken taken) {
    perhapsAcked.add(taken.payload);
  }

  /** It is known again. */
  void surelyAckedOrNot(Taken taken) {
    perhapsAcked.remove(taken.payload);
  }

  /** Compares what the database tells with what everybody was told. */
  void compare() {
    List<String> there =
        rows(
            "SELECT convert_from(payload, 'UTF8') FROM ${schema}.message"
                + " UNION ALL SELECT convert_from((message).payload, 'UTF8') FROM ${schema}.dead_letter"
                + " UNION ALL SELECT convert_from(m.payload, 'UTF8') FROM ${schema}.claim c, unnest(c.messages) m"
                + " WHERE m.id = ANY (c.ids)");
    Set<String> distinct = new HashSet<>(there);
    if (distinct.size() != there.size()) {
      violate("in two places at once: " + (there.size() - distinct.size()));
    }
    for (String payload : distinct) {
      if (acked.contains(payload)) {
        violate("acked and there: " + payload);
      }
      if (!isKnown(payload)) {
        violate("rolled back and there: " + payload);
      }
    }
    for (String payload : enqueued) {
      if (!distinct.contains(payload)
          && !acked.contains(payload)
          && !perhapsAcked.contains(payload)) {
        violate("lost: " + payload);
      }
    }
    long twice =
        database.queryLong(
            "SELECT count(*) - count(DISTINCT key) FROM ${schema}.in_flight WHERE key IS NOT NULL");
    if (twice > 0) {
      violate("two of a key are claimed: " + twice);
    }
  }

  /** Looks whether every place is empty, once a consumer took and acked all there was. */
  void compareWithNothing() {
    for (String table : List.of("message", "dead_letter", "key_turn", "claim", "idle")) {
      long left = database.queryLong("SELECT count(*) FROM ${schema}." + table);
      if (left > 0) {
        violate(left + " left in " + table);
      }
    }
    for (String payload : enqueued) {
      if (!acked.contains(payload) && !perhapsAcked.contains(payload)) {
        violate("never acked: " + payload);
      }
    }
  }

  private List<String> rows(String sql) {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql.replace("${schema}", database.schema()))) {
      List<String> rows = new ArrayList<>();
      while (row.next()) {
        rows.add(row.getString(1));
      }
      return rows;
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }

  @Override
  public String toString() {
    return "%d enqueued, %d perhaps, %d acked, %d perhaps"
        .formatted(enqueued.size(), perhapsEnqueued.size(), acked.size(), perhapsAcked.size());
  }
}
