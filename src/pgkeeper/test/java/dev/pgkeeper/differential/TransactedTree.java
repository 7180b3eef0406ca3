package dev.pgkeeper.differential;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Session;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.TreeOperations;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import javax.sql.DataSource;

/**
 * A session's tree on which every operation that can be is done in a transaction of the caller's.
 * Now and then one is done, rolled back and done again: of what was rolled back nothing is seen.
 */
final class TransactedTree implements InvocationHandler {

  private static final int CALLS_BETWEEN_ROLLBACKS = 5;

  private final Session session;
  private final DataSource dataSource;
  private int calls;

  private TransactedTree(Session session, DataSource dataSource) {
    this.session = session;
    this.dataSource = dataSource;
  }

  static Tree of(Session session, DataSource dataSource) {
    return (Tree)
        Proxy.newProxyInstance(
            Tree.class.getClassLoader(),
            new Class<?>[] {Tree.class},
            new TransactedTree(session, dataSource));
  }

  @Override
  public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
    if (method.getDeclaringClass() != TreeOperations.class) {
      return call(method, session.tree(), arguments);
    }
    try (Connection connection = dataSource.getConnection()) {
      connection.setAutoCommit(false);
      if (++calls % CALLS_BETWEEN_ROLLBACKS == 0) {
        try {
          call(method, session.tree(connection), arguments);
        } catch (KeeperException | IllegalArgumentException e) {
          // as it will be again
        }
        connection.rollback();
      }
      try {
        return call(method, session.tree(connection), arguments);
      } finally {
        connection.commit();
      }
    }
  }

  private static Object call(Method method, TreeOperations tree, Object[] arguments)
      throws Throwable {
    try {
      return method.invoke(tree, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
