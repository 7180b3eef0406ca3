package dev.pgkeeper.proof.client;

import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.scenario.Work;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.TreeOperations;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Random;

/**
 * Creates sequential nodes, some in transactions of its own that commit or not, and deletes most of
 * them.
 */
public final class CreateInSequence implements Work {
  private static final int PARENTS = 2;

  public static String parent(int number) {
    return "/sequence/" + number;
  }

  public static int parents() {
    return PARENTS;
  }

  @Override
  public void once(Client client, Random random) throws Exception {
    String parent = parent(random.nextInt(PARENTS));
    String[] created = new String[1];
    boolean isOwn = random.nextInt(4) == 0;
    boolean commits = random.nextInt(3) > 0;
    if (isOwn && !commits) {
      inTransaction(client, parent, false);
      return;
    }
    boolean isDone =
        Journal.write(
            client,
            "number",
            parent,
            "",
            () -> {
              created[0] =
                  isOwn
                      ? inTransaction(client, parent, true)
                      : create(client.keeper().tree(), parent);
              return created[0].substring(created[0].lastIndexOf('-') + 1);
            });
    if (isDone && random.nextInt(8) > 0) {
      client.keeper().tree().delete(created[0]);
    }
  }

  private static String create(TreeOperations tree, String parent) {
    return tree.create(NewNode.at(parent + "/n-").mode(CreateMode.PERSISTENT_SEQUENTIAL)).path();
  }

  private static String inTransaction(Client client, String parent, boolean commits)
      throws SQLException {
    try (Connection connection = client.dataSource().getConnection()) {
      connection.setAutoCommit(false);
      String path = create(client.keeper().tree(connection), parent);
      if (commits) {
        connection.commit();
      } else {
        connection.rollback();
      }
      return path;
    }
  }
}
