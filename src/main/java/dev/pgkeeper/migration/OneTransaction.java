package dev.pgkeeper.migration;

import java.io.PrintWriter;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.logging.Logger;
import javax.sql.DataSource;

/**
 * Where Flyway gets its connections: they are all this one, in the transaction that it is in.
 * Flyway wants two, and commits on each; here all that it commits is there once its caller commits.
 * What it rolls back is rolled back with everything before.
 */
final class OneTransaction implements DataSource {
  private final Connection connection;

  /**
   * @param connection with autocommit off
   */
  OneTransaction(Connection connection) {
    this.connection = connection;
  }

  @Override
  public Connection getConnection() {
    return (Connection)
        Proxy.newProxyInstance(
            OneTransaction.class.getClassLoader(), new Class<?>[] {Connection.class}, new Part());
  }

  /** What one of Flyway's connections believes of itself. */
  private final class Part implements InvocationHandler {
    private boolean autoCommit = true;
    private boolean closed;

    @Override
    @SuppressWarnings("NullAway") // what a method without a result returns
    public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
      switch (method.getName()) {
        case "getAutoCommit" -> {
          return autoCommit;
        }
        case "setAutoCommit" -> {
          autoCommit = (Boolean) arguments[0];
          return null;
        }
        case "isClosed" -> {
          return closed;
        }
        case "close" -> {
          closed = true;
          return null;
        }
        case "commit" -> {
          return null;
        }
        default -> {
          try {
            return method.invoke(connection, arguments);
          } catch (InvocationTargetException e) {
            throw e.getCause() == null ? e : e.getCause();
          }
        }
      }
    }
  }

  @Override
  public Connection getConnection(String username, String password) throws SQLException {
    throw new SQLException("The connection is open already");
  }

  @Override
  public PrintWriter getLogWriter() throws SQLException {
    throw new SQLException("There is none");
  }

  @Override
  public void setLogWriter(PrintWriter out) throws SQLException {
    throw new SQLException("There is none");
  }

  @Override
  public void setLoginTimeout(int seconds) {}

  @Override
  public int getLoginTimeout() {
    return 0;
  }

  @Override
  public Logger getParentLogger() {
    return Logger.getLogger(Logger.GLOBAL_LOGGER_NAME);
  }

  @Override
  public <T> T unwrap(Class<T> type) throws SQLException {
    throw new SQLException("It wraps no " + type.getName());
  }

  @Override
  public boolean isWrapperFor(Class<?> type) {
    return false;
  }
}
