package dev.pgkeeper;

import java.sql.Connection;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * The right to act as owner of something, until it is released or lost. Whoever acts in the
 * database guards the transaction with {@link #fence} or {@link #inTransaction}: then it commits
 * only if the right still stood, however long the process was paused in between. Whoever acts
 * elsewhere calls {@link #ensureHeld} just before, and passes the token on.
 */
public interface Fenced extends AutoCloseable {
  /**
   * Whether it is certainly still this client's own at this moment; asks the clocks, not the
   * database.
   */
  boolean isHeld();

  /**
   * Throws unless {@link #isHeld}.
   *
   * @throws KeeperException.NotHeld names session, path and token
   */
  void ensureHeld();

  /** How long it certainly stays this client's own if nothing more is heard of the database. */
  Duration remaining();

  HoldState state();

  /** Tells every change of state from now on, once each, in order, on the keeper's event thread. */
  Subscription onStateChange(Consumer<HoldState> listener);

  /** Tells once that it was lost; at once if it is already. */
  default Subscription onLost(Runnable listener) {
    Subscription subscription =
        onStateChange(
            state -> {
              if (state == HoldState.LOST) {
                listener.run();
              }
            });
    return subscription;
  }

  /**
   * Lets the transaction on this connection commit only while this is held: whoever it would go to
   * waits until the transaction has ended.
   *
   * @throws KeeperException.NotHeld if it is not held any more; the transaction cannot be committed
   */
  void fence(Connection connection);

  /**
   * Runs work in a transaction on a borrowed connection, fences it and commits.
   *
   * @throws KeeperException.NotHeld if it was lost meanwhile: nothing was committed
   */
  <X extends Exception> void inTransaction(TransactionWork<X> work) throws X;

  /** Gives it back if it is still held; does nothing otherwise. */
  @Override
  void close();
}
