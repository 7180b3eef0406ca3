package dev.pgkeeper.internal.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import org.postgresql.core.BaseConnection;
import org.postgresql.core.TransactionState;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A transaction of the application's, on a connection that it hands to the library. */
public final class CallersTransaction {
  private static final Logger log = LoggerFactory.getLogger(CallersTransaction.class);

  private CallersTransaction() {}

  /**
   * Refuses a connection that commits each statement by itself, where something is to last until
   * the transaction ends.
   *
   * @param what is done
   * @param otherwise what would become of it
   */
  public static void ensure(Connection connection, String what, String otherwise) {
    if (Database.on(connection, Connection::getAutoCommit)) {
      throw new IllegalStateException(
          what
              + ": this connection commits each statement by itself, so "
              + otherwise
              + "; call setAutoCommit(false) first");
    }
  }

  /** Whether a transaction on this connection has begun and not ended. */
  public static boolean isOpen(Connection connection) {
    try {
      return !connection.isClosed()
          && !connection.getAutoCommit()
          && connection.isWrapperFor(BaseConnection.class)
          && connection.unwrap(BaseConnection.class).getTransactionState() != TransactionState.IDLE;
    } catch (SQLException e) {
      log.debug("a connection that cannot be asked has no transaction", e);
      return false;
    }
  }
}
