package dev.pgkeeper.scenario;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.TransactionWork;
import dev.pgkeeper.discovery.Participation;
import dev.pgkeeper.discovery.PartitionListener;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

/**
 * Takes part in sharing out shards, and writes its tokens to those that it owns, in transactions
 * that are fenced or ({@code unfenced}) are not. Where the test decides ({@code commanded}), it
 * writes to the first shard only, says {@code owning} and waits to be told to go on.
 */
public final class WriteToShards implements Work {
  public static final List<String> SHARDS =
      IntStream.range(0, 8).mapToObj(i -> "shard-" + i).toList();

  /** A write's version says when it was committed, because the shard's row is held. */
  public static final String TABLES =
      """
      CREATE TABLE ${schema}.shard (name text PRIMARY KEY, version bigint);
      INSERT INTO ${schema}.shard SELECT 'shard-' || i, 0 FROM generate_series(0, 7) i;
      CREATE TABLE ${schema}.accepted (shard text, version bigint, token bigint, writer text,
        PRIMARY KEY (shard, version));
      """;

  private Participation participation;

  private synchronized Participation participation(Client client) {
    if (participation == null) {
      Keeper keeper = client.keeper();
      participation =
          keeper
              .partitioner("/shards", SHARDS)
              .join(
                  client.name(),
                  new PartitionListener() {
                    @Override
                    public void onAcquired(String element, Held held) {
                      client.say("acquired " + element);
                    }

                    @Override
                    public void onRelease(String element) {
                      client.say("released " + element);
                    }
                  });
      participation.onError(e -> client.say("failed " + e));
    }
    return participation;
  }

  @Override
  public void once(Client client, Random random) throws Exception {
    Map<String, Held> owned = participation(client).owned();
    if (owned.isEmpty()) {
      LockSupport.parkNanos(1_000_000);
    }
    for (Map.Entry<String, Held> entry : owned.entrySet()) {
      String shard = entry.getKey();
      Held held = entry.getValue();
      if (client.mode().contains("commanded")) {
        if (!shard.equals(SHARDS.get(0))) {
          continue;
        }
        client.say("owning " + held.token());
        client.nextCommand();
      } else {
        client.linger(random);
      }
      String said = shard + " " + held.token();
      TransactionWork<SQLException> write = connection -> write(connection, client, shard, held);
      try {
        if (client.mode().contains("unfenced")) {
          WriteToResource.inTransaction(client, write);
        } else {
          held.inTransaction(write);
        }
        client.say("accepted " + said);
      } catch (KeeperException.NotHeld e) {
        client.say("refused " + said);
      }
    }
  }

  private static void write(Connection connection, Client client, String shard, Held held)
      throws SQLException {
    String schema = client.schema();
    try (Statement statement = connection.createStatement()) {
      statement.execute(
          "WITH written AS (UPDATE "
              + schema
              + ".shard SET version = version + 1 WHERE name = '"
              + shard
              + "' RETURNING version) INSERT INTO "
              + schema
              + ".accepted SELECT '"
              + shard
              + "', version, "
              + held.token()
              + ", '"
              + client.name()
              + "' FROM written");
    }
  }
}
