package dev.pgkeeper.scenario;

import dev.pgkeeper.Held;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.TransactionWork;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Takes the lock and writes its token to a resource, in a transaction that is fenced, before or
 * after it writes, or ({@code unfenced}) is not. Where the test decides ({@code commanded}), it
 * says {@code holding} and {@code fenced} and waits to be told to go on.
 */
public final class WriteToResource implements Work {
  private final AtomicInteger attempts = new AtomicInteger();

  /**
   * What the writes go to. A write's version says when it was committed, because the row is held.
   */
  public static final String TABLES =
      """
      CREATE TABLE ${schema}.resource (version bigint, token bigint);
      INSERT INTO ${schema}.resource VALUES (0, 0);
      CREATE TABLE ${schema}.accepted (version bigint PRIMARY KEY, token bigint, writer text);
      """;

  @Override
  public void once(Client client, Random random) throws Exception {
    Optional<Held> got = client.keeper().lock("/resource").tryAcquire(Duration.ofSeconds(3));
    if (got.isEmpty()) {
      return;
    }
    Held held = got.get();
    String writer = client.name() + "/" + attempts.incrementAndGet();
    try {
      if (client.mode().contains("commanded")) {
        client.say("holding " + held.token());
        client.nextCommand();
      } else {
        client.linger(random);
      }
      write(client, held, writer, random);
      client.say("accepted " + held.token());
    } catch (KeeperException.NotHeld e) {
      client.say("refused " + held.token());
    } finally {
      held.close();
    }
  }

  private static void write(Client client, Held held, String writer, Random random)
      throws SQLException {
    TransactionWork<SQLException> work = c -> write(c, client, held.token(), writer);
    if (client.mode().contains("unfenced")) {
      inTransaction(client, work);
    } else if (!isFencedBefore(client, random)) {
      held.inTransaction(work);
    } else {
      inTransaction(
          client,
          connection -> {
            held.fence(connection);
            if (client.mode().contains("commanded")) {
              client.say("fenced");
              awaitCommand(client);
            }
            work.run(connection);
          });
    }
  }

  private static boolean isFencedBefore(Client client, Random random) {
    return client.mode().contains("paced")
        ? random.nextBoolean()
        : client.mode().contains("before");
  }

  private static void awaitCommand(Client client) {
    try {
      client.nextCommand();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  public static void inTransaction(Client client, TransactionWork<SQLException> work)
      throws SQLException {
    try (Connection connection = client.dataSource().getConnection()) {
      connection.setAutoCommit(false);
      try {
        work.run(connection);
        connection.commit();
      } catch (SQLException | RuntimeException e) {
        connection.rollback();
        throw e;
      }
    }
  }

  private static void write(Connection connection, Client client, long token, String writer)
      throws SQLException {
    String schema = client.schema();
    try (Statement statement = connection.createStatement()) {
      statement.execute(
          "WITH written AS (UPDATE "
              + schema
              + ".resource SET version = version + 1, token = "
              + token
              + " RETURNING version) INSERT INTO "
              + schema
              + ".accepted SELECT version, "
              + token
              + ", '"
              + writer
              + "' FROM written");
    }
  }
}
