package dev.pgkeeper.recipes;

import dev.pgkeeper.Held;
import dev.pgkeeper.KeeperException;

/** A leadership, as its campaign keeps it. */
final class Term extends WrappedHeld implements Leadership {
  private final Campaign campaign;
  private final Person person;

  // Guarded by the campaign's lock.
  /** The duty was taken on, and goes on. */
  boolean goesOn;

  /** It was lost, or is to be given up. */
  boolean unwanted;

  /** Nothing is done for it any more. */
  boolean over;

  Term(Campaign campaign, Person person, Held held) {
    super(held);
    this.campaign = campaign;
    this.person = person;
  }

  @Override
  public String identity() {
    return person.identity();
  }

  @Override
  public byte[] data() {
    return person.data();
  }

  @Override
  public void resign() {
    campaign.giveUp(this);
  }

  @Override
  public void close() {
    campaign.giveUp(this);
  }

  @Override
  public void release() {
    if (state().isTerminal() || !campaign.giveUp(this)) {
      throw new KeeperException.NotHeld(
          path(), token(), path() + " was given up before, or lost (token " + token() + ")", null);
    }
  }

  @Override
  public String toString() {
    return "Leadership[" + node() + ", " + identity() + ", " + state() + "]";
  }
}
