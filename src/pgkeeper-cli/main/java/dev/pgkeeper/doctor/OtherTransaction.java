package dev.pgkeeper.doctor;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.jdbc.Database;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A transaction on a second connection, open until this is closed. It has a thread of its own,
 * since a pool without a free connection may keep whoever asks for one waiting for minutes.
 */
final class OtherTransaction implements AutoCloseable {
  private final CompletableFuture<Processes> processes = new CompletableFuture<>();
  private final CountDownLatch over = new CountDownLatch(1);

  /** Which server processes answered its first and its second statement. */
  record Processes(int first, int second) {}

  private OtherTransaction() {}

  static OtherTransaction begin(Database database) {
    OtherTransaction transaction = new OtherTransaction();
    Thread thread = new Thread(() -> transaction.run(database), "pgkeeper-doctor");
    thread.setDaemon(true);
    thread.start();
    return transaction;
  }

  private void run(Database database) {
    try {
      database.readOnce(
          connection -> {
            stayOpen(connection);
            return true;
          });
    } catch (RuntimeException | Error e) {
      processes.completeExceptionally(e);
    }
  }

  private void stayOpen(Connection connection) throws SQLException {
    boolean autoCommit = connection.getAutoCommit();
    connection.setAutoCommit(false);
    processes.complete(
        new Processes(
            PoolerCheck.serverProcess(connection), PoolerCheck.serverProcess(connection)));
    try {
      over.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    connection.rollback();
    connection.setAutoCommit(autoCommit);
  }

  /** Waits for them at most this long. */
  Processes processes(Duration limit) {
    try {
      return processes.get(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof KeeperException refused) {
        throw refused;
      }
      throw new IllegalStateException("a second connection failed", e.getCause());
    } catch (TimeoutException e) {
      throw new KeeperException.ConnectionLoss(
          "a second connection was not to be had within " + limit.toSeconds() + " s", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new KeeperException.ConnectionLoss("interrupted while waiting for a connection", e);
    }
  }

  @Override
  public void close() {
    over.countDown();
  }
}
