package dev.pgkeeper.internal.jdbc;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import java.util.WeakHashMap;
import org.jspecify.annotations.Nullable;
import org.postgresql.core.BaseConnection;
import org.postgresql.core.TransactionState;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection that the application's data source handed out, for a transaction of the library's
 * own. It may come read-only, with autocommit off or with another isolation level than the
 * functions decide by: what is needed is set, and what was found is put back. It must not come in
 * the midst of a transaction of the application's, which would be committed too.
 */
final class Borrowed implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Borrowed.class);

  /**
   * What these connections were found to have. Asking is a round trip, so it is asked once each.
   */
  static final class Isolations {
    private final Map<Connection, Integer> known = Collections.synchronizedMap(new WeakHashMap<>());

    private int of(Connection connection) throws SQLException {
      Connection physical = physical(connection);
      Integer level = known.get(physical);
      return level == null ? look(connection, physical) : level;
    }

    private int look(Connection connection, Connection physical) throws SQLException {
      int level = connection.getTransactionIsolation();
      known.put(physical, level);
      return level;
    }
  }

  private final Connection connection;
  private final Isolations isolations;
  private final boolean autoCommit;
  private final boolean readOnly;
  private final int networkTimeout;

  /** Null unless it was another one than is needed. */
  private @Nullable Integer isolation;

  private Borrowed(Connection connection, Isolations isolations) throws SQLException {
    this.connection = connection;
    this.isolations = isolations;
    autoCommit = connection.getAutoCommit();
    readOnly = connection.isReadOnly();
    networkTimeout = connection.getNetworkTimeout();
    ensureNobodysTransaction();
  }

  /** For one statement that commits by itself, or fails once nothing was heard for this long. */
  static Borrowed forStatement(Connection connection, Isolations isolations, Duration patience)
      throws SQLException {
    Borrowed borrowed = new Borrowed(connection, isolations);
    connection.setNetworkTimeout(Runnable::run, (int) patience.toMillis());
    borrowed.prepare(true);
    return borrowed;
  }

  /** For a transaction, which may take its time. */
  static Borrowed forTransaction(Connection connection, Isolations isolations) throws SQLException {
    Borrowed borrowed = new Borrowed(connection, isolations);
    borrowed.prepare(false);
    return borrowed;
  }

  private void prepare(boolean wantsAutoCommit) throws SQLException {
    if (!autoCommit) {
      connection.setAutoCommit(true);
    }
    if (readOnly) {
      connection.setReadOnly(false);
    }
    correct(isolations.of(connection));
    if (!wantsAutoCommit) {
      connection.setAutoCommit(false);
    }
  }

  private boolean correct(int found) throws SQLException {
    if (found == Connection.TRANSACTION_READ_COMMITTED) {
      return false;
    }
    connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
    isolation = found;
    return true;
  }

  /**
   * Sets the isolation level again, because the server refused a statement for it: somebody has
   * changed it since it was asked for. Returns whether it is right now.
   */
  boolean correctIsolation() throws SQLException {
    return isolation == null && correct(isolations.look(connection, physical(connection)));
  }

  /**
   * A pool without autocommit may leave an empty transaction from its own look whether the
   * connection is alive. One that has locked or written anything is the application's.
   */
  private void ensureNobodysTransaction() throws SQLException {
    if (!connection.isWrapperFor(BaseConnection.class)) {
      return;
    }
    TransactionState state = connection.unwrap(BaseConnection.class).getTransactionState();
    if (state == TransactionState.FAILED || state == TransactionState.OPEN && !isEmpty()) {
      throw new IllegalStateException(
          "the data source handed out a connection that is in a transaction of the application's, which would be"
              + " committed or rolled back with what pgkeeper does. Give Keeper.connect the data source itself and not"
              + " one that hands out the present transaction's connection (Spring's TransactionAwareDataSourceProxy),"
              + " and inside a transaction use what takes its connection: tree(connection), enqueue(connection, …),"
              + " fence(connection)");
    }
  }

  private boolean isEmpty() throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT pg_catalog.pg_current_xact_id_if_assigned() IS NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_locks l"
                    + " WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() AND l.locktype OPERATOR(pg_catalog.<>) 'virtualxid'"
                    + " AND (l.relation IS NULL OR l.relation OPERATOR(pg_catalog.>=) 16384))")) {
      row.next();
      return row.getBoolean(1);
    }
  }

  private static Connection physical(Connection connection) throws SQLException {
    return connection.isWrapperFor(BaseConnection.class)
        ? connection.unwrap(BaseConnection.class)
        : connection;
  }

  /** What was done stays done: one that cannot be put back as it was is not used again. */
  @Override
  public void close() {
    try {
      if (!connection.isClosed()) {
        restore();
      }
    } catch (SQLException e) {
      log.debug("a connection could not be given back as it was", e);
      abort();
    }
  }

  private void restore() throws SQLException {
    Integer found = isolation;
    if (found != null || readOnly) {
      connection.setAutoCommit(true);
    }
    if (found != null) {
      connection.setTransactionIsolation(found);
    }
    if (readOnly) {
      connection.setReadOnly(true);
    }
    connection.setAutoCommit(autoCommit);
    connection.setNetworkTimeout(Runnable::run, networkTimeout);
  }

  private void abort() {
    try {
      connection.abort(Runnable::run);
    } catch (SQLException e) {
      log.debug("nor could it be aborted", e);
    }
  }
}
