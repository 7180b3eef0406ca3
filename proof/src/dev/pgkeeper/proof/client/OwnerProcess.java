package dev.pgkeeper.proof.client;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.testing.Await;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Takes a lock, however long it has to wait, and acts: writes a row in a transaction that is
 * fenced. Says {@code acted micros token}, and later {@code lost micros} once it does not believe
 * any more that it holds. Is told {@code act} and {@code close}, and says {@code acted}, {@code
 * refused} or {@code closed}. It has the defaults of the library, and so 30 s to be silent.
 */
public final class OwnerProcess {
  /** What it acts on. */
  public static final String TABLE = "CREATE TABLE ${schema}.act (path text, token bigint)";

  private static final Duration GLANCE = Duration.ofMillis(1);
  private static final Duration AGAIN = Duration.ofMillis(20);
  private static final int POOL = 4;

  private OwnerProcess() {}

  /**
   * @param arguments the URL, the schema, the path of the lock
   */
  public static void main(String[] arguments) throws Exception {
    HikariDataSource pool = new HikariDataSource();
    pool.setJdbcUrl(arguments[0]);
    pool.setMaximumPoolSize(POOL);
    pool.setConnectionTimeout(TimeUnit.SECONDS.toMillis(2));
    pool.setTransactionIsolation("TRANSACTION_READ_COMMITTED"); // see docs/operations.md
    Keeper keeper = Keeper.connect(pool, KeeperOptions.defaults().withSchema(arguments[1]));
    System.out.println("waits");
    Held held = keeper.lock(arguments[2]).acquire();
    act(pool, arguments[1], held);
    tellWhenLost(held);
    obey(pool, arguments[1], keeper, held);
    Runtime.getRuntime().halt(0);
  }

  private static void obey(HikariDataSource pool, String schema, Keeper keeper, Held held)
      throws IOException {
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      switch (line) {
        case "act" -> act(pool, schema, held);
        case "close" -> {
          keeper.close();
          System.out.println("closed");
        }
        default -> throw new IllegalArgumentException(line);
      }
    }
  }

  /** Until it is done or refused: what breaks meanwhile is what this is about. */
  private static void act(HikariDataSource pool, String schema, Held held) {
    while (true) {
      try {
        held.inTransaction(
            connection -> {
              try (Statement statement = connection.createStatement()) {
                statement.execute(
                    "INSERT INTO %s.act VALUES ('%s', %d)"
                        .formatted(schema, held.path(), held.token()));
              }
            });
        System.out.println("acted " + Client.nowMicros() + " " + held.token());
        return;
      } catch (KeeperException.NotHeld e) {
        // While its session is in jeopardy it may not act, and may come to own the lock again.
        if (held.state().isTerminal()) {
          System.out.println("refused");
          return;
        }
        Await.pause(AGAIN);
      } catch (KeeperException | SQLException e) {
        Await.pause(AGAIN);
      }
    }
  }

  private static void tellWhenLost(Held held) {
    Thread thread =
        new Thread(
            () -> {
              while (held.isHeld()) {
                Await.pause(GLANCE);
              }
              System.out.println("lost " + Client.nowMicros());
            },
            "belief");
    thread.setDaemon(true);
    thread.start();
  }
}
