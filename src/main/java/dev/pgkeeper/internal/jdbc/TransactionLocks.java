package dev.pgkeeper.internal.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;

/** Locks that last as long as the caller's transaction (V008). */
public final class TransactionLocks {
  private TransactionLocks() {}

  /** Waits for the lock of a path. */
  public static void lock(Connection connection, String schema, String path) {
    ensureInTransaction(connection, path);
    Database.on(
        connection,
        c -> {
          try (PreparedStatement statement =
              c.prepareStatement("SELECT " + schema + ".lock_in_transaction(?)")) {
            statement.setString(1, path);
            return statement.execute();
          }
        });
  }

  /** False: another transaction has it. */
  public static boolean tryLock(Connection connection, String schema, String path) {
    ensureInTransaction(connection, path);
    return Database.on(
        connection,
        c -> {
          try (PreparedStatement statement =
              c.prepareStatement("SELECT " + schema + ".try_lock_in_transaction(?)")) {
            statement.setString(1, path);
            try (ResultSet row = statement.executeQuery()) {
              row.next();
              return row.getBoolean(1);
            }
          }
        });
  }

  private static void ensureInTransaction(Connection connection, String path) {
    CallersTransaction.ensure(connection, path, "the lock would be gone at once");
  }
}
