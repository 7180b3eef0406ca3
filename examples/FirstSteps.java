import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.Tree;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.Statement;
import java.util.concurrent.CountDownLatch;

/** Znodes, a watch, an ephemeral node, a transaction. Its argument is the URL of a database. */
public class FirstSteps {
  public static void main(String[] arguments) throws Exception {
    try (HikariDataSource dataSource = new HikariDataSource()) {
      dataSource.setJdbcUrl(arguments[0]);
      Keeper.migrate(dataSource);
      createOrders(dataSource);
      run(dataSource);
    }
  }

  private static void run(HikariDataSource dataSource) throws Exception {
    try (Keeper keeper = Keeper.connect(dataSource)) {
      Tree tree = keeper.tree();
      tree.create(NewNode.at("/shop/sign").data(bytes("open")).withParents());

      // A watch tells of the next change, whichever process makes it.
      CountDownLatch changed = new CountDownLatch(1);
      Node sign = tree.get("/shop/sign", event -> changed.countDown());
      tree.set("/shop/sign", bytes("closed"), sign.stat().version());
      changed.await();

      // An ephemeral node is there as long as this process is.
      tree.create("/shop/till-", bytes("Ada"), CreateMode.EPHEMERAL_SEQUENTIAL);
      System.out.println(tree.children("/shop"));

      // In a transaction of yours: the row and the node are both there, or neither is.
      try (Connection connection = dataSource.getConnection();
          Statement statement = connection.createStatement()) {
        connection.setAutoCommit(false);
        statement.execute("INSERT INTO orders VALUES (1)");
        keeper.tree(connection).create("/shop/order-1", bytes("paid"));
        connection.commit();
      }
      System.out.println(new String(tree.get("/shop/order-1").data(), StandardCharsets.UTF_8));

      tree.deleteRecursive("/shop");
    }
  }

  private static void createOrders(HikariDataSource dataSource) throws Exception {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE IF NOT EXISTS orders (id integer)");
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
