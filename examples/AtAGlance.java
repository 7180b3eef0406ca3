import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.election.Leadership;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/** A lock, a job, an election. Its argument is the URL of a database. */
public class AtAGlance {
  private static final CountDownLatch billed = new CountDownLatch(1);

  public static void main(String[] arguments) throws Exception {
    try (HikariDataSource dataSource = new HikariDataSource()) {
      dataSource.setJdbcUrl(arguments[0]);
      Keeper.migrate(dataSource);
      try (Connection connection = dataSource.getConnection();
          Statement statement = connection.createStatement()) {
        statement.execute("CREATE TABLE IF NOT EXISTS done (what text)");
      }
      run(dataSource);
    }
  }

  private static void run(HikariDataSource dataSource) throws Exception {
    try (Keeper keeper = Keeper.connect(dataSource)) {

      // One at a time, on any machine; kept until released, with nothing to renew.
      try (Held lock = keeper.lock("/orders/O005").acquire(Duration.ofSeconds(10))) {
        // Commits only while the lock is held.
        lock.inTransaction(connection -> process(connection, "O005"));
      }

      // Once in the whole fleet: at most one committed run for each job and tick.
      keeper.jobs().once("daily-email", "2026-11-21", connection -> sendEmails(connection));

      // Runs where the leader is, and elsewhere about two seconds after that process died.
      keeper.election("/billing/leader").requeueing().run(leadership -> bill(leadership));

      serveUntilStopped();
    }
  }

  private static void serveUntilStopped() throws InterruptedException {
    billed.await();
  }

  private static void process(Connection connection, String order) throws SQLException {
    note(connection, "order " + order);
  }

  private static void sendEmails(Connection connection) throws SQLException {
    note(connection, "emails");
  }

  private static void bill(Leadership leadership) throws InterruptedException, SQLException {
    leadership.inTransaction(connection -> note(connection, "bills"));
    billed.countDown();
    new CountDownLatch(1).await(); // until the leadership is lost or given up
  }

  private static void note(Connection connection, String what) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("INSERT INTO done VALUES ('" + what + "')");
    }
    System.out.println(what);
  }
}
