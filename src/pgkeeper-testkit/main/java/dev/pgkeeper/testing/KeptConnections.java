package dev.pgkeeper.testing;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.postgresql.core.BaseConnection;
import org.postgresql.core.TransactionState;

/**
 * Connections with which a test asks and changes things. They are kept, because each new one costs
 * the server a process, and tests that wait for something ask again and again.
 */
public final class KeptConnections implements AutoCloseable {
  private static final int ANSWERS_WITHIN_SECONDS = 60;

  private final Opening opening;
  private final ConcurrentLinkedDeque<Connection> idle = new ConcurrentLinkedDeque<>();

  public KeptConnections(Opening opening) {
    this.opening = opening;
  }

  /** Opens a connection. */
  @FunctionalInterface
  public interface Opening {
    Connection open() throws SQLException;
  }

  /** What is done with a connection. */
  @FunctionalInterface
  public interface Work<T> {
    T on(Connection connection) throws SQLException;
  }

  /**
   * Does the work on a connection that nobody else uses meanwhile. One that is left within a
   * transaction is not kept.
   */
  public <T> T with(Work<T> work) throws SQLException {
    Connection connection = borrow();
    try {
      return work.on(connection);
    } finally {
      if (connection.unwrap(BaseConnection.class).getTransactionState() == TransactionState.IDLE) {
        idle.push(connection);
      } else {
        connection.close();
      }
    }
  }

  /** The server of a kept one may have been killed since. */
  private Connection borrow() throws SQLException {
    for (Connection kept = idle.poll(); kept != null; kept = idle.poll()) {
      if (kept.isValid(ANSWERS_WITHIN_SECONDS)) {
        return kept;
      }
      kept.close();
    }
    return opening.open();
  }

  /** Closes those that are idle. */
  @Override
  public void close() {
    for (Connection kept = idle.poll(); kept != null; kept = idle.poll()) {
      try {
        kept.close();
      } catch (SQLException e) {
        // its server is gone, and the connection with it
      }
    }
  }
}
