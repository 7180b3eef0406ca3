package dev.pgkeeper.internal.jdbc;

import java.sql.Connection;

/** Locks that last as long as the caller's transaction (R__15_transaction_locks.sql). */
public final class TransactionLocks {
  private TransactionLocks() {}

  /** Waits for the lock of a path. */
  public static void lock(Connection connection, String schema, String path) {
    ensureInTransaction(connection, path);
    Database.on(connection, Call.of(schema, "lock_in_transaction", path).done());
  }

  /** Takes the lock if it is free. Returns false if another transaction has it. */
  public static boolean tryLock(Connection connection, String schema, String path) {
    ensureInTransaction(connection, path);
    return Database.on(connection, Call.of(schema, "try_lock_in_transaction", path).isTrue());
  }

  private static void ensureInTransaction(Connection connection, String path) {
    CallersTransaction.ensure(connection, path, "the lock would be gone at once");
  }
}
