package dev.pgkeeper.election;

import dev.pgkeeper.Held;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.recipe.WrappedHeld;

/** A leadership, as its loop keeps it. */
final class Term extends WrappedHeld implements Leadership {
  private final CandidacyLoop loop;
  private final CandidateInfo info;

  // Guarded by the loop's lock. Each is set once, and never taken back but goesOn.

  /** The duty was taken on, and goes on after its begin has returned. */
  boolean goesOn;

  /** Whether it was lost, or is to be given up. */
  boolean unwanted;

  /** Nothing is done for it any more. */
  boolean over;

  Term(CandidacyLoop loop, CandidateInfo info, Held held) {
    super(held);
    this.loop = loop;
    this.info = info;
  }

  /** What leading stands on. */
  void giveBack() {
    held.close();
  }

  @Override
  public String identity() {
    return info.identity();
  }

  @Override
  public byte[] data() {
    return info.data();
  }

  @Override
  public void resign() {
    loop.giveUp(this);
  }

  @Override
  public void close() {
    loop.giveUp(this);
  }

  @Override
  public void release() {
    if (state().isTerminal() || !loop.giveUp(this)) {
      throw new KeeperException.NotHeld(
          path(), token(), path() + " was given up before, or lost (token " + token() + ")", null);
    }
  }

  @Override
  public String toString() {
    return "Leadership[" + node() + ", " + identity() + ", " + state() + "]";
  }
}
