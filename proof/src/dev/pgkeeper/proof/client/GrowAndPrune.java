package dev.pgkeeper.proof.client;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.scenario.Work;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.TreeOperations;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/**
 * Deletes the branch that it has just created, while others create leaves on it, in a transaction
 * of the application's that looked before; at times it cannot see what has come since. Says {@code
 * pruned branch} or {@code spared why}.
 */
public final class GrowAndPrune implements Work {
  /** The parent of all branches, which stays. */
  public static final String ROOT = "/branches";

  private static final int MANY = 20;
  private static final int LONGEST_SIGHT_NANOS = 5_000_000;

  @Override
  public void once(Client client, Random random) throws Exception {
    TreeOperations tree = client.keeper().tree();
    try {
      if (random.nextBoolean()) {
        grow(tree);
      } else {
        String branch = tree.create(ROOT + "/b-", new byte[0], CreateMode.PERSISTENT_SEQUENTIAL);
        prune(client, branch, random);
        client.say("pruned " + branch);
      }
    } catch (KeeperException.NoNode | KeeperException.NotEmpty | KeeperException.WrongIsolation e) {
      client.say("spared " + e.code());
    }
  }

  /** A leaf on the newest branch; the oldest goes with all its leaves where there are many. */
  private static void grow(TreeOperations tree) {
    List<String> branches = tree.children(ROOT).stream().sorted().toList();
    if (!branches.isEmpty()) {
      String newest = branches.get(branches.size() - 1);
      tree.create(ROOT + "/" + newest + "/l-", new byte[0], CreateMode.PERSISTENT_SEQUENTIAL);
    }
    if (branches.size() > MANY) {
      tree.deleteRecursive(ROOT + "/" + branches.get(0));
    }
  }

  private static void prune(Client client, String branch, Random random) throws SQLException {
    try (Connection connection = client.dataSource().getConnection()) {
      connection.setTransactionIsolation(
          random.nextBoolean()
              ? Connection.TRANSACTION_REPEATABLE_READ
              : Connection.TRANSACTION_READ_COMMITTED);
      connection.setAutoCommit(false);
      try (Statement statement = connection.createStatement()) {
        statement.execute("SELECT count(*) FROM " + client.schema() + ".session");
        LockSupport.parkNanos(random.nextInt(LONGEST_SIGHT_NANOS));
        client.keeper().tree(connection).delete(branch);
        connection.commit();
      } catch (SQLException | RuntimeException e) {
        connection.rollback();
        throw e;
      }
    }
  }
}
