import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Codec;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.queue.MessageQueue;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * A row, a message and a lock in one commit: the customer is locked while the order is written, and
 * the message for the warehouse is there exactly if the order is. The argument is the URL of a
 * database.
 */
public class TransactionalOrder {
  public static void main(String[] arguments) throws Exception {
    try (HikariDataSource dataSource = new HikariDataSource()) {
      dataSource.setJdbcUrl(arguments[0]);
      Keeper.migrate(dataSource);
      createOrders(dataSource);
      try (Keeper keeper = Keeper.connect(dataSource)) {
        MessageQueue<String> warehouse = keeper.queue("warehouse", Codec.text());
        try {
          order(keeper, dataSource, warehouse, "O001", true);
        } catch (IllegalStateException e) {
          System.out.println("O001 failed: " + e.getMessage());
        }
        order(keeper, dataSource, warehouse, "O002", false);
        System.out.println("orders: " + orders(dataSource));
        warehouse
            .peek(10)
            .forEach(message -> System.out.println("for the warehouse: " + message.body()));
      }
    }
  }

  private static void order(
      Keeper keeper,
      HikariDataSource dataSource,
      MessageQueue<String> warehouse,
      String order,
      boolean cardIsRefused)
      throws SQLException {
    try (Connection connection = dataSource.getConnection()) {
      connection.setAutoCommit(false);
      try {
        // Until the transaction ends, however it does.
        keeper.lockInTransaction(connection, "/customers/7");
        insert(connection, order);
        warehouse.enqueue(connection, order);
        if (cardIsRefused) {
          throw new IllegalStateException("the card was refused");
        }
        connection.commit();
      } finally {
        connection.rollback(); // does nothing after the commit
        connection.setAutoCommit(true);
      }
    }
  }

  private static void insert(Connection connection, String order) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("INSERT INTO placed VALUES ('" + order + "')");
    }
  }

  private static String orders(HikariDataSource dataSource) throws SQLException {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT string_agg(id, ', ') FROM placed")) {
      row.next();
      return row.getString(1);
    }
  }

  private static void createOrders(HikariDataSource dataSource) throws SQLException {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE IF NOT EXISTS placed (id text)");
    }
  }
}
