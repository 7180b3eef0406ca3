import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.election.Candidacy;
import dev.pgkeeper.election.Election;
import dev.pgkeeper.election.Leadership;

/**
 * One leads. Run it in several terminals, with the URL of a database and a name each, and kill the
 * leader with kill -9. Enter ends it in order.
 */
public class LeaderElection {
  public static void main(String[] arguments) throws Exception {
    try (HikariDataSource dataSource = new HikariDataSource()) {
      dataSource.setJdbcUrl(arguments[0]);
      Keeper.migrate(dataSource);
      try (Keeper keeper = Keeper.connect(dataSource)) {
        Election election = keeper.election("/mailer").withIdentity(arguments[1]).requeueing();
        try (Candidacy candidacy = election.run(LeaderElection::lead)) {
          System.in.read();
        }
      }
    }
  }

  /** Runs while this process leads, and is interrupted when it does not any more. */
  private static void lead(Leadership leadership) throws InterruptedException {
    System.out.println(leadership.identity() + " leads, token " + leadership.token());
    try {
      while (leadership.isHeld()) {
        // What it does in the database, it does in leadership.inTransaction(...).
        Thread.sleep(100);
      }
    } finally {
      System.out.println(leadership.identity() + " leads no more");
    }
  }
}
