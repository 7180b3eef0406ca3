import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.EventType;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.WatchMode;
import dev.pgkeeper.tree.WatchedEvent;

/**
 * Who is there? Run it in several terminals, with the URL of a database and a name each, and kill
 * one of them with kill -9. Enter ends it in order.
 */
public class Members {
  public static void main(String[] arguments) throws Exception {
    String name = arguments[1];
    try (HikariDataSource dataSource = new HikariDataSource()) {
      dataSource.setJdbcUrl(arguments[0]);
      Keeper.migrate(dataSource);
      try (Keeper keeper = Keeper.connect(dataSource)) {
        Tree tree = keeper.tree();
        createIfMissing(tree, "/members");
        tree.watch("/members", WatchMode.PERSISTENT, event -> print(tree, event));
        tree.create("/members/" + name, new byte[0], CreateMode.EPHEMERAL);
        System.in.read();
      }
    }
  }

  private static void print(Tree tree, WatchedEvent event) {
    if (event.type() == EventType.NODE_CHILDREN_CHANGED) {
      System.out.println("members: " + tree.children("/members"));
    }
  }

  private static void createIfMissing(Tree tree, String path) {
    try {
      tree.create(NewNode.at(path).withParents());
    } catch (KeeperException.NodeExists e) {
      // another process was first
    }
  }
}
