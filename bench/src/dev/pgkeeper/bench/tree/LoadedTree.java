package dev.pgkeeper.bench.tree;

import dev.pgkeeper.Held;
import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.Workload;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A database with so many nodes, a thousand below each parent, and with a lock that is held. What
 * is done with them is done to a node picked at random.
 *
 * @param looker whoever looks at views
 * @param held who looks for locks finds one
 */
record LoadedTree(PgkeeperZnodes znodes, int nodes, Connection looker, Held held)
    implements AutoCloseable {
  private static final int CHILDREN = 1000;
  private static final String LOCK = "/held";

  static LoadedTree of(String url, int nodes) throws Exception {
    PgkeeperZnodes znodes = new PgkeeperZnodes(url);
    try {
      znodes.create("/load", OperationCase.DATA);
      BulkLoad.grandchildren(url, "/load", nodes / CHILDREN, CHILDREN);
      Held held = znodes.keeper().lock(LOCK).acquire();
      LoadedTree tree = new LoadedTree(znodes, nodes, DriverManager.getConnection(url), held);
      tree.check();
      return tree;
    } catch (Exception e) {
      znodes.close();
      throw e;
    }
  }

  String name() {
    return nodes + " nodes";
  }

  private void check() {
    if (znodes.tree().stat("/load").numChildren() != nodes / CHILDREN
        || znodes.tree().children(parent()).size() != CHILDREN
        || znodes.get(node()).length != OperationCase.DATA.length) {
      throw new IllegalStateException("The tree was not loaded as it should be");
    }
  }

  Workload workload(String operation) {
    return switch (operation) {
      case "get" -> thread -> Worker.timing(() -> znodes.get(node()));
      case "set" -> thread -> Worker.timing(() -> znodes.set(node(), OperationCase.DATA));
      case "create" -> creating();
      case "children" -> thread -> Worker.timing(() -> znodes.tree().children(parent()));
      case "view-nodes" -> thread -> Worker.timing(() -> look("nodes", node()));
      case "view-locks" -> thread -> Worker.timing(() -> look("locks", LOCK));
      default -> throw new IllegalArgumentException(operation);
    };
  }

  private Workload creating() {
    List<String> created = new ArrayList<>();
    return new Workload() {
      @Override
      public Worker worker(int thread) {
        return () -> {
          String path = parent() + "/new-" + created.size();
          long began = System.nanoTime();
          znodes.create(path, OperationCase.DATA);
          long nanos = System.nanoTime() - began;
          created.add(path);
          return nanos;
        };
      }

      @Override
      public void after() {
        znodes.deleteAll(created);
        created.clear();
      }
    };
  }

  private void look(String view, String path) throws SQLException {
    try (PreparedStatement select =
        looker.prepareStatement("SELECT * FROM pgkeeper." + view + " WHERE path = ?")) {
      select.setString(1, path);
      try (ResultSet row = select.executeQuery()) {
        if (!row.next()) {
          throw new IllegalStateException(view + " does not have " + path);
        }
      }
    }
  }

  private String node() {
    return parent() + "/" + ThreadLocalRandom.current().nextInt(CHILDREN);
  }

  private String parent() {
    return "/load/" + ThreadLocalRandom.current().nextInt(nodes / CHILDREN);
  }

  @Override
  public void close() throws SQLException {
    looker.close();
    znodes.close();
  }
}
