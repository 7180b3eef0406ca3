package dev.pgkeeper.sql;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/** Two transactions in the order that a test wants: the second comes while the first is open. */
public final class TwoTransactions {
  private static final Duration LIMIT = Duration.ofSeconds(10);

  private TwoTransactions() {}

  /** What the second query answers, if the first one's transaction ends once the second waits. */
  public static String cross(TestDatabase database, String first, boolean keep, String second)
      throws Exception {
    try (Connection one = database.connect();
        Connection other = database.connect()) {
      one.setAutoCommit(false);
      ask(database, one, first);
      String pid = ask(database, other, "SELECT pg_backend_pid()");
      CompletableFuture<String> answer =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return ask(database, other, second);
                } catch (SQLException e) {
                  throw new CompletionException(e);
                }
              });
      String waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = " + pid;
      Await.until(LIMIT, "it waits", () -> answer.isDone() || database.queryLong(waits) > 0);
      if (keep) {
        one.commit();
      } else {
        one.rollback();
      }
      return answer.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
    }
  }

  private static String ask(TestDatabase database, Connection connection, String sql)
      throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql.replace("${schema}", database.schema()))) {
      row.next();
      return row.getString(1);
    }
  }
}
