package dev.pgkeeper.recipes;

import dev.pgkeeper.Held;
import dev.pgkeeper.KeeperException;

/** A leadership, as its candidacy keeps it. */
final class Term extends WrappedHeld implements Leadership {
  private final Candidacy candidacy;
  private final Candidacy.Person person;

  // Guarded by the candidacy's lock.
  /** The duty was taken on, and goes on. */
  boolean goesOn;

  /** It was lost, or is to be given up. */
  boolean unwanted;

  /** Nothing is done for it any more. */
  boolean over;

  Term(Candidacy candidacy, Candidacy.Person person, Held held) {
    super(held);
    this.candidacy = candidacy;
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
    candidacy.giveUp(this);
  }

  @Override
  public void close() {
    candidacy.giveUp(this);
  }

  @Override
  public void release() {
    if (state().isTerminal() || !candidacy.giveUp(this)) {
      throw new KeeperException.NotHeld(
          path(), token(), path() + " was given up before, or lost (token " + token() + ")", null);
    }
  }

  @Override
  public String toString() {
    return "Leadership[" + node() + ", " + identity() + ", " + state() + "]";
  }
}
