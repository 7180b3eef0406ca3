package dev.pgkeeper.election;

import dev.pgkeeper.Held;
import dev.pgkeeper.KeeperException;

/** The leadership of one candidate, from its election until it is given up or lost. */
public interface Leadership extends Held {
  /** Who leads, as it called itself. */
  String identity();

  /** What the leader brought along for others to see. */
  byte[] data();

  /**
   * Gives the leadership up once what is done for it has ended: work on another thread is
   * interrupted, a listener hears {@link LeadershipListener#onLost}. Somebody else leads only after
   * the work, or the listener, has returned. Does nothing if it is given up or lost already.
   */
  void resign();

  /**
   * Resigns as {@link #resign} does, but fails if it does not lead any more.
   *
   * @throws KeeperException.NotHeld if it was given up before, or lost
   */
  @Override
  void release();

  /** {@link #resign}. */
  @Override
  void close();
}
