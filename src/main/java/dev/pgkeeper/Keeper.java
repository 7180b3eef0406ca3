package dev.pgkeeper;

import java.sql.Connection;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.sql.DataSource;

/** One session with the database: what it creates as ephemeral goes when it ends. Safe for use by many threads. */
public final class Keeper implements AutoCloseable {
  private Keeper() {}

  public static Keeper connect(DataSource dataSource) {
    return connect(dataSource, KeeperOptions.defaults());
  }

  public static Keeper connect(DataSource dataSource, KeeperOptions options) {
    throw new UnsupportedOperationException();
  }

  /** Creates or updates the schema {@code pgkeeper}. */
  public static void migrate(DataSource dataSource) {
    migrate(dataSource, "pgkeeper");
  }

  public static void migrate(DataSource dataSource, String schema) {
    throw new UnsupportedOperationException();
  }

  /** The znodes; each operation is a transaction of its own on a connection borrowed for one round trip. */
  public Tree tree() {
    throw new UnsupportedOperationException();
  }

  /** The znodes as seen and changed by the transaction on this connection; what it does ends as that transaction ends. */
  public TreeOperations tree(Connection connection) {
    throw new UnsupportedOperationException();
  }

  /** Runs the call elsewhere: {@code keeper.async(tree -> tree.get("/a"))}. */
  public <T> CompletableFuture<T> async(Function<Tree, T> call) {
    throw new UnsupportedOperationException();
  }

  /** The session's number: the {@code ephemeralOwner} of what it owns. */
  public long sessionId() {
    throw new UnsupportedOperationException();
  }

  public SessionState state() {
    throw new UnsupportedOperationException();
  }

  /** Whether what the session owns is certainly still its own at this moment. */
  public boolean isHeld() {
    throw new UnsupportedOperationException();
  }

  /** Tells every change of state from now on, once each and in order; close the result to stop. */
  public AutoCloseable onStateChange(Consumer<SessionState> listener) {
    throw new UnsupportedOperationException();
  }

  /** Ends the session: everything it owned goes at one moment. */
  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
