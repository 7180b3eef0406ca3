import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;

/**
 * Orders are shipped once, whoever tries: a lock is held around what is slow, and its fence is in
 * the transaction that says it was done. Run it in several terminals, with the URL of a database.
 */
public class OrderLock {
  public static void main(String[] arguments) throws Exception {
    try (HikariDataSource dataSource = new HikariDataSource()) {
      dataSource.setJdbcUrl(arguments[0]);
      Keeper.migrate(dataSource);
      try (Keeper keeper = Keeper.connect(dataSource)) {
        // Of two at once, PostgreSQL lets one fail, also with IF NOT EXISTS.
        try (Held alone = keeper.lock("/orders/table").acquire()) {
          alone.inTransaction(OrderLock::createOrders);
        }
        ship(keeper, 17);
      }
    }
  }

  private static void ship(Keeper keeper, int order) throws Exception {
    try (Held held = keeper.lock("/orders/" + order).acquire(Duration.ofMinutes(1))) {
      String label = printLabel(order, held.token());

      // Committed only if the lock is still held, however long the printer took.
      held.inTransaction(connection -> System.out.println(label + ": " + note(connection, order)));
    }
  }

  /** Something slow, elsewhere; the token tells a later attempt from an earlier one. */
  private static String printLabel(int order, long token) {
    return "order " + order + ", label " + token;
  }

  private static String note(Connection connection, int order) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      int rows =
          statement.executeUpdate(
              "UPDATE shipments SET shipped = true WHERE NOT shipped AND id = " + order);
      return rows == 1 ? "shipped" : "was shipped before";
    }
  }

  private static void createOrders(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(
          "CREATE TABLE IF NOT EXISTS shipments (id integer PRIMARY KEY, shipped boolean)");
      statement.execute("INSERT INTO shipments VALUES (17, false) ON CONFLICT DO NOTHING");
    }
  }
}
