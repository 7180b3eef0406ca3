import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Codec;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.queue.ConsumeOptions;
import dev.pgkeeper.queue.Delivery;
import dev.pgkeeper.queue.MessageConsumer;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.queue.Outgoing;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * Invoices are written for orders: an order and its message are there together or not at all, and
 * so are an invoice and the ack. Run it in several terminals, with the URL of a database.
 */
public class TaskQueue {
  public static void main(String[] arguments) throws Exception {
    try (HikariDataSource dataSource = new HikariDataSource()) {
      dataSource.setJdbcUrl(arguments[0]);
      Keeper.migrate(dataSource);
      createTables(dataSource);
      try (Keeper keeper = Keeper.connect(dataSource)) {
        invoice(keeper, dataSource);
        remind(keeper);
      }
    }
  }

  private static void invoice(Keeper keeper, HikariDataSource dataSource) throws Exception {
    MessageQueue<String> invoices = keeper.queue("invoices", Codec.text());

    // The order and its message: both are there, or neither is.
    try (Connection connection = dataSource.getConnection()) {
      connection.setAutoCommit(false);
      order(connection, "O005");
      invoices.enqueue(connection, "O005");
      connection.commit();
      connection.setAutoCommit(true);
    }

    // The invoice and the ack: both are there, or the message is tried again, by whoever lives.
    CountDownLatch written = new CountDownLatch(1);
    try (MessageConsumer consumer =
        invoices.consumeInTransactions(
            ConsumeOptions.defaults().withConcurrency(4),
            (connection, message) -> {
              write(connection, message.body());
              written.countDown();
            })) {
      written.await();
      consumer.stop(Duration.ofSeconds(10));
    }
    System.out.println("invoices waiting: " + invoices.size().ready());
  }

  private static void remind(Keeper keeper) throws InterruptedException {
    MessageQueue<String> reminders = keeper.queue("reminders", Codec.text());
    reminders.enqueue(
        Outgoing.of("O005 is to be paid")
            .delay(Duration.ofMillis(200))
            .deduplicationKey("O005")
            .key("customer-7"));

    // For what is done elsewhere: the message is this session's until it is acked or given back.
    reminders.take(Duration.ofSeconds(10)).ifPresent(TaskQueue::send);
  }

  private static void send(Delivery<String> reminder) {
    System.out.println("reminder: " + reminder.body());
    reminder.ack();
  }

  private static void order(Connection connection, String order) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("INSERT INTO ordered VALUES ('" + order + "')");
    }
  }

  private static void write(Connection connection, String order) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("INSERT INTO invoice VALUES ('" + order + "')");
    }
  }

  private static void createTables(HikariDataSource dataSource) throws SQLException {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE IF NOT EXISTS ordered (id text)");
      statement.execute("CREATE TABLE IF NOT EXISTS invoice (id text)");
    }
  }
}
