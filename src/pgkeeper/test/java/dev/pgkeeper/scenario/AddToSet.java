package dev.pgkeeper.scenario;

import dev.pgkeeper.Held;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.TransactionWork;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;

/**
 * Takes the lock, reads a set and writes it back with one more element, as a program does that
 * relies on the lock. Says {@code adding} the element before, and {@code added} after the commit.
 * Where the test decides ({@code commanded}), it waits to be told between reading and writing.
 */
public final class AddToSet implements Work {
  public static final String TABLES =
      """
      CREATE TABLE ${schema}.the_set (elements text);
      INSERT INTO ${schema}.the_set VALUES ('');
      CREATE TABLE ${schema}.full_set (elements text);
      """;

  /** A set that is as long as this is put away, so that an add costs the same in a long run. */
  private static final int FULL = 4000;

  /** All that was added. */
  public static String elements(TestDatabase database) {
    return database.queryString(
        "SELECT string_agg(elements, '') FROM (TABLE ${schema}.full_set UNION ALL TABLE ${schema}.the_set) AS sets");
  }

  @Override
  public void once(Client client, Random random) throws Exception {
    Optional<Held> got = client.keeper().lock("/set").tryAcquire(Duration.ofSeconds(3));
    if (got.isEmpty()) {
      return;
    }
    try (Held held = got.get()) {
      String element = client.name() + "/" + held.token();
      TransactionWork<SQLException> add = c -> add(c, client, element, random);
      if (client.mode().contains("unfenced")) {
        WriteToResource.inTransaction(client, add);
      } else {
        held.inTransaction(add);
      }
      client.say("added " + element);
    } catch (KeeperException.NotHeld e) {
      client.say("refused");
    }
  }

  private static void add(Connection connection, Client client, String element, Random random)
      throws SQLException {
    String table = client.schema() + ".the_set";
    String elements;
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT elements FROM " + table)) {
      row.next();
      elements = row.getString(1);
    }
    pause(client, random);
    try (Statement statement = connection.createStatement()) {
      if (elements.length() >= FULL) {
        statement.execute(
            "INSERT INTO " + client.schema() + ".full_set VALUES ('" + elements + "')");
        elements = "";
      }
      statement.execute("UPDATE " + table + " SET elements = '" + elements + element + " '");
    }
  }

  private static void pause(Client client, Random random) {
    if (!client.mode().contains("commanded")) {
      client.linger(random);
      return;
    }
    client.say("read");
    try {
      client.nextCommand();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
