package dev.pgkeeper;

/**
 * One thing that is held: a lock, some permits, a leadership.
 *
 * <pre>{@code
 * try (Held held = keeper.lock("/orders/7").acquire()) {
 *   held.inTransaction(connection -> ship(connection)); // commits only while it is held
 *   callElsewhere(held.token()); // it refuses a token smaller than one it has seen
 * }
 * }</pre>
 */
public interface Held extends Fenced {
  /** The path that was asked for. */
  String path();

  /**
   * The node that stands for this hold: one below the path for whoever has data, a limit or many
   * others before it, or wants one of several permits; the path itself for everybody else.
   */
  String node();

  /**
   * The number of this grant. Of all grants of a path, a later one has a larger number, also across
   * restarts and promotions of the database.
   */
  long token();

  /**
   * Tells the listener when somebody asks to have it back; at once if somebody has asked already.
   * Nothing forces a holder to obey.
   */
  Subscription onRevocation(Runnable listener);

  /**
   * Gives it back. The next one in the line is told at once.
   *
   * @throws KeeperException.NotHeld if it was released before, or lost
   * @throws KeeperException.ConnectionLoss if it may have been lost and the database is away:
   *     nobody knows, and {@link #close} gives it back in any case
   */
  void release();
}
