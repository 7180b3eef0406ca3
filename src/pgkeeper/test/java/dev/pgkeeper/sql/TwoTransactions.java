package dev.pgkeeper.sql;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/**
 * Two transactions in the order that a test wants: the second comes while the first is open. Asks
 * again, as clients do, where the second was not told in time that the first has ended.
 */
public final class TwoTransactions {
  private static final String LOCK_TIMEOUT = "55P03";

  private TwoTransactions() {}

  /** What the second query answers, if the first one's transaction ends once the second waits. */
  public static String cross(TestDatabase database, String first, boolean keep, String second)
      throws Exception {
    try (Connection one = database.connect();
        Connection other = database.connect();
        Connection glance = database.connect()) {
      one.setAutoCommit(false);
      ask(database, one, first);
      String pid = ask(database, other, "SELECT pg_backend_pid()");
      long deadline = System.nanoTime() + Await.LIMIT.toNanos();
      CompletableFuture<String> answer =
          CompletableFuture.supplyAsync(
              () -> {
                while (true) {
                  try {
                    return ask(database, other, second);
                  } catch (SQLException e) {
                    if (!LOCK_TIMEOUT.equals(e.getSQLState()) || System.nanoTime() > deadline) {
                      throw new CompletionException(e);
                    }
                  }
                }
              });
      String waits = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND pid = " + pid;
      Await.until("it waits", () -> answer.isDone() || isSo(database, glance, waits));
      if (keep) {
        one.commit();
      } else {
        one.rollback();
      }
      return answer.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
    }
  }

  private static boolean isSo(TestDatabase database, Connection connection, String sql) {
    try {
      return "t".equals(ask(database, connection, sql));
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
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
