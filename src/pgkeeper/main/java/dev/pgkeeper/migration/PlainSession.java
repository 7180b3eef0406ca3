package dev.pgkeeper.migration;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.sql.DataSource;

/**
 * Prepares the caller's connection for a migration: each statement is its own transaction, it is
 * writable, it has no time limits, and nobody else's names are on its path. What was found set
 * otherwise is set again when it is given back, since it may belong to a pool.
 */
final class PlainSession {

  private static final String[] LIMITS = {
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "transaction_timeout"
  };

  /** PostgreSQL's own names: others may have put theirs where the caller looks. */
  static final String PATH = "pg_catalog, pg_temp";

  private PlainSession() {}

  static Connection of(DataSource callers) throws SQLException {
    Connection connection = callers.getConnection();
    try {
      return prepared(connection);
    } catch (SQLException | RuntimeException e) {
      try {
        connection.close();
      } catch (SQLException second) {
        e.addSuppressed(second);
      }
      throw e;
    }
  }

  private static Connection prepared(Connection connection) throws SQLException {
    boolean autoCommit = connection.getAutoCommit();
    boolean readOnly = connection.isReadOnly();
    int isolation = connection.getTransactionIsolation();
    // Commits what may be open already: a pool without autocommit leaves its settings for a
    // connection there.
    connection.setAutoCommit(true);
    connection.setReadOnly(false);
    connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
    Map<String, String> found = settings(connection);
    set(connection, "search_path", PATH);
    for (String limit : LIMITS) {
      if (found.containsKey(limit)) {
        set(connection, limit, "0");
      }
    }
    return (Connection)
        Proxy.newProxyInstance(
            PlainSession.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) -> {
              try {
                if (method.getName().equals("close") && !connection.isClosed()) {
                  restore(connection, found, autoCommit, readOnly, isolation);
                }
                return method.invoke(connection, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause() == null ? e : e.getCause();
              }
            });
  }

  private static void restore(
      Connection connection,
      Map<String, String> found,
      boolean autoCommit,
      boolean readOnly,
      int isolation)
      throws SQLException {
    if (!connection.isValid(5)) {
      return;
    }
    if (!connection.getAutoCommit()) {
      connection.rollback();
      connection.setAutoCommit(true);
    }
    for (Map.Entry<String, String> setting : found.entrySet()) {
      set(connection, setting.getKey(), setting.getValue());
    }
    connection.setTransactionIsolation(isolation);
    connection.setReadOnly(readOnly);
    connection.setAutoCommit(autoCommit);
  }

  private static Map<String, String> settings(Connection connection) throws SQLException {
    Map<String, String> found = new LinkedHashMap<>();
    for (String name : LIMITS) {
      find(connection, name, found);
    }
    find(connection, "search_path", found);
    return found;
  }

  /** A setting that this server does not have yet is left out. */
  private static void find(Connection connection, String name, Map<String, String> found)
      throws SQLException {
    try (PreparedStatement select =
        connection.prepareStatement("SELECT pg_catalog.current_setting(?, true)")) {
      select.setString(1, name);
      try (ResultSet row = select.executeQuery()) {
        row.next();
        String value = row.getString(1);
        if (value != null) {
          found.put(name, value);
        }
      }
    }
  }

  private static void set(Connection connection, String name, String value) throws SQLException {
    try (PreparedStatement set =
        connection.prepareStatement("SELECT pg_catalog.set_config(?, ?, false)")) {
      set.setString(1, name);
      set.setString(2, value);
      set.execute();
    }
  }
}
