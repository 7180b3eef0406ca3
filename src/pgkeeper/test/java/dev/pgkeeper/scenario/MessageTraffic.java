package dev.pgkeeper.scenario;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Session;
import dev.pgkeeper.queue.ConsumeOptions;
import dev.pgkeeper.queue.Delivery;
import dev.pgkeeper.queue.Message;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.queue.Outgoing;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Sends messages to four queues and takes them in all the ways there are. What was sent is noted in
 * the transaction that sends it, and so is what was done where the queue promises that it is done
 * once; what a consumer does that acks is noted as it goes.
 *
 * <ul>
 *   <li>{@code acked}: taken some at a time, and acked or given back one by one or together
 *   <li>{@code in-order}: with keys, taken and acked in the transaction that has the effect
 *   <li>{@code now}: taken in the transaction that has the effect
 *   <li>{@code worked}: with keys, by a consumer that the library runs
 * </ul>
 *
 * <p>What is taken belongs to the session that took it. Where it may be taken again by the same
 * client, it is noted with the session that there was before it was taken: if that is still open
 * later, it is the one that took it.
 *
 * <p>With {@code drain} nothing is sent; with {@code apart}, effects do not share the ack's
 * transaction.
 */
public final class MessageTraffic implements Work {
  public static final String TABLES =
      """
      CREATE TABLE ${schema}.sent (queue text, id bigint, key text);
      CREATE TABLE ${schema}.event (number bigserial, queue text, id bigint, key text, what text, session bigint, live boolean);
      SELECT ${schema}.queue_create(name, 100000, 5, 50) FROM unnest(ARRAY['acked', 'in-order', 'now', 'worked']) AS name;
      """;

  private static final Duration SHORT = Duration.ofMillis(20);

  /** Slightly more is sent than is taken: in a long run what waits would only grow. */
  private static final int ENOUGH = 100;

  private static final AtomicInteger KEYS = new AtomicInteger();

  /**
   * Whoever sends under a key is one thread, so the order of the numbers is that of the commits.
   */
  private final ThreadLocal<String> key = ThreadLocal.withInitial(MessageTraffic::newKey);

  private boolean works;

  private static String newKey() {
    return ProcessHandle.current().pid() + "-" + KEYS.incrementAndGet();
  }

  @Override
  public void once(Client client, Random random) throws Exception {
    Keeper keeper = client.keeper();
    work(client, keeper);
    switch (random.nextInt(client.mode().contains("drain") ? 6 : 10)) {
      case 0, 1 -> takeAndAck(client, keeper, random);
      case 2, 3 -> takeAndAckInTransactions(client, keeper, random);
      case 4, 5 -> takeInTransaction(client, keeper, random);
      case 6 -> send(client, queue(keeper, "acked"), false, random);
      case 7 -> send(client, queue(keeper, "in-order"), true, random);
      case 8 -> send(client, queue(keeper, "now"), false, random);
      default -> send(client, queue(keeper, "worked"), true, random);
    }
  }

  private static MessageQueue<String> queue(Keeper keeper, String name) {
    return keeper.queue(name, Codec.text());
  }

  private synchronized void work(Client client, Keeper keeper) {
    if (!works) {
      Random random = new Random();
      queue(keeper, "worked")
          .consumeInTransactions(
              ConsumeOptions.defaults().withConcurrency(2).withPrefetch(4),
              (connection, message) -> {
                note(client, connection, "worked", message, "done");
                failAtTimes(random);
              });
      works = true;
    }
  }

  /** What a handler meets that is none of the queue's business. */
  private static void failAtTimes(Random random) {
    if (random.nextInt(20) == 0) {
      throw new IllegalArgumentException("a handler's own trouble");
    }
  }

  private void send(Client client, MessageQueue<String> queue, boolean withKeys, Random random)
      throws SQLException {
    if (queue.size().live() >= ENOUGH) {
      return;
    }
    if (random.nextInt(30) == 0) {
      key.set(newKey());
    }
    String used = withKeys ? key.get() : null;
    List<Outgoing<String>> messages = new ArrayList<>();
    for (int i = 1 + random.nextInt(10); i > 0; i--) {
      Outgoing<String> message = Outgoing.of("m");
      messages.add(used == null ? message : message.key(used));
    }
    boolean sent = false;
    try (Connection connection = client.dataSource().getConnection()) {
      connection.setAutoCommit(false);
      try (PreparedStatement insert =
          connection.prepareStatement(
              "INSERT INTO " + client.schema() + ".sent VALUES (?, ?, ?)")) {
        for (var one : queue.enqueue(connection, messages)) {
          insert.setString(1, queue.name());
          insert.setLong(2, one.id());
          insert.setString(3, used);
          insert.addBatch();
        }
        insert.executeBatch();
        end(connection, random.nextInt(5) > 0);
        sent = true;
      }
    } finally {
      if (!sent) {
        // Its commit may still be under way, and be overtaken.
        key.set(newKey());
      }
    }
  }

  private static void end(Connection connection, boolean commits) throws SQLException {
    if (commits) {
      connection.commit();
    } else {
      connection.rollback();
    }
    connection.setAutoCommit(true);
  }

  private static void takeAndAck(Client client, Keeper keeper, Random random) throws Exception {
    MessageQueue<String> queue = queue(keeper, "acked");
    Session session = keeper.session();
    List<Delivery<String>> taken = queue.take(1 + random.nextInt(5), SHORT);
    List<Delivery<String>> handled = new ArrayList<>();
    for (Delivery<String> delivery : taken) {
      note(client, session, queue, delivery, "handled");
      client.linger(random);
      switch (random.nextInt(8)) {
        case 0 -> giveBack(client, session, queue, delivery, random);
        case 1, 2, 3 -> ack(client, session, queue, delivery);
        default -> handled.add(delivery);
      }
    }
    if (!handled.isEmpty()) {
      try {
        List<Delivery<String>> next = queue.ackAndTake(handled, 1, Duration.ZERO);
        for (Delivery<String> delivery : handled) {
          note(client, session, queue, delivery, "acked");
        }
        for (Delivery<String> delivery : next) {
          note(client, session, queue, delivery, "returned");
          delivery.release();
        }
      } catch (KeeperException.NotHeld e) {
        client.say("refused");
      }
    }
  }

  private static void ack(
      Client client, Session session, MessageQueue<String> queue, Delivery<String> delivery)
      throws SQLException {
    try {
      delivery.ack();
      note(client, session, queue, delivery, "acked");
    } catch (KeeperException.NotHeld e) {
      client.say("refused");
    }
  }

  private static void giveBack(
      Client client,
      Session session,
      MessageQueue<String> queue,
      Delivery<String> delivery,
      Random random)
      throws SQLException {
    note(client, session, queue, delivery, "returned");
    try {
      if (random.nextBoolean()) {
        delivery.nack(Duration.ofMillis(random.nextInt(30)));
      } else {
        delivery.release();
      }
    } catch (KeeperException.NotHeld e) {
      client.say("refused");
    }
  }

  private static void takeAndAckInTransactions(Client client, Keeper keeper, Random random)
      throws Exception {
    MessageQueue<String> queue = queue(keeper, "in-order");
    for (Delivery<String> delivery : queue.take(1 + random.nextInt(3), SHORT)) {
      boolean commits = random.nextInt(10) > 0;
      try (Connection connection = client.dataSource().getConnection()) {
        connection.setAutoCommit(false);
        if (client.mode().contains("apart")) {
          note(client, null, queue, delivery, "done");
        } else {
          note(client, connection, queue.name(), delivery.message(), "done");
        }
        client.linger(random);
        delivery.ack(connection);
        end(connection, commits);
      } catch (KeeperException.NotHeld e) {
        client.say("refused");
        continue;
      }
      if (!commits) {
        delivery.nack(Duration.ofMillis(random.nextInt(30)));
      }
    }
  }

  private static void takeInTransaction(Client client, Keeper keeper, Random random)
      throws SQLException {
    MessageQueue<String> queue = queue(keeper, "now");
    try (Connection connection = client.dataSource().getConnection()) {
      connection.setAutoCommit(false);
      for (Message<String> message : queue.take(connection, 1 + random.nextInt(3))) {
        note(client, connection, queue.name(), message, "done");
      }
      client.linger(random);
      end(connection, random.nextInt(10) > 0);
    }
  }

  private static void note(
      Client client,
      @Nullable Session session,
      MessageQueue<String> queue,
      Delivery<String> delivery,
      String what)
      throws SQLException {
    try (Connection connection = client.dataSource().getConnection()) {
      note(client, connection, queue.name(), delivery.message(), what, session);
    }
  }

  private static void note(
      Client client, Connection connection, String queue, Message<String> message, String what)
      throws SQLException {
    note(client, connection, queue, message, what, null);
  }

  private static void note(
      Client client,
      Connection connection,
      String queue,
      Message<String> message,
      String what,
      @Nullable Session session)
      throws SQLException {
    try (PreparedStatement insert =
        connection.prepareStatement(
            "INSERT INTO "
                + client.schema()
                + ".event (queue, id, key, what, session, live) VALUES (?, ?, ?, ?, ?, "
                + client.schema()
                + "._is_open(?))")) {
      insert.setString(1, queue);
      insert.setLong(2, message.id());
      insert.setString(3, message.key());
      insert.setString(4, what);
      Long id = session == null ? null : session.id();
      insert.setObject(5, id, Types.BIGINT);
      insert.setObject(6, id, Types.BIGINT);
      insert.executeUpdate();
    }
  }
}
