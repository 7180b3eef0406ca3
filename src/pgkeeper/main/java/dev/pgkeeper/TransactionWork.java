package dev.pgkeeper;

import java.sql.Connection;

/** What to do in a transaction; whoever runs it begins, commits and rolls back. */
@FunctionalInterface
public interface TransactionWork<X extends Exception> {
  void run(Connection connection) throws X;
}
