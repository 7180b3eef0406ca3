import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Retry;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Work in a transaction that the database rolls back if somebody else was faster: it is done again
 * then, as often as it takes. A commit whose fate nobody knows is not done again, because it may
 * have been done. The argument is the URL of a database.
 */
public class RepeatedWork {
  private static final int TELLERS = 4;
  private static final int DEPOSITS = 25;

  public static void main(String[] arguments) throws Exception {
    try (HikariDataSource dataSource = new HikariDataSource()) {
      dataSource.setJdbcUrl(arguments[0]);
      query(dataSource, "CREATE TABLE account AS SELECT 0 AS balance");
      ExecutorService tellers = Executors.newFixedThreadPool(TELLERS);
      List<Future<?>> working = new ArrayList<>();
      for (int i = 0; i < TELLERS; i++) {
        working.add(tellers.submit(() -> work(dataSource)));
      }
      for (Future<?> one : working) {
        one.get();
      }
      tellers.shutdown();
      System.out.println("balance: " + query(dataSource, "SELECT balance FROM account"));
    }
  }

  private static Void work(HikariDataSource dataSource) throws Exception {
    for (int i = 0; i < DEPOSITS; i++) {
      // Repeats the work if the database rolled it back or could not be reached: in both cases
      // nothing was done.
      Retry retry =
          Retry.defaults().attempts(100).pauses(Duration.ofMillis(1), Duration.ofMillis(50));
      retry.run(() -> deposit(dataSource));
    }
    return null;
  }

  private static void deposit(HikariDataSource dataSource) throws SQLException {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
      try {
        statement.execute("UPDATE account SET balance = balance + 1");
        connection.commit();
      } finally {
        connection.rollback(); // does nothing after the commit
        connection.setAutoCommit(true);
      }
    }
  }

  private static String query(HikariDataSource dataSource, String sql) throws SQLException {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      if (!statement.execute(sql)) {
        return "";
      }
      ResultSet row = statement.getResultSet();
      row.next();
      return row.getString(1);
    }
  }
}
