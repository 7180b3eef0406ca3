package dev.pgkeeper.lock;

import dev.pgkeeper.Held;
import dev.pgkeeper.HoldState;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.recipe.WrappedHeld;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** One of several acquisitions that share a hold; the last one that is closed releases it. */
final class Reentry extends WrappedHeld {
  private final AtomicInteger open;
  private final AtomicBoolean closed = new AtomicBoolean();

  /** The first. */
  Reentry(Held held) {
    this(held, new AtomicInteger(1));
  }

  private Reentry(Held held, AtomicInteger open) {
    super(held);
    this.open = open;
  }

  /** One more; empty if the last was closed meanwhile. */
  Optional<Reentry> again() {
    int before = open.getAndUpdate(number -> number == 0 ? 0 : number + 1);
    return before == 0 ? Optional.empty() : Optional.of(new Reentry(held, open));
  }

  @Override
  public HoldState state() {
    HoldState state = held.state();
    return closed.get() && !state.isTerminal() ? HoldState.RELEASED : state;
  }

  @Override
  public boolean isHeld() {
    return !closed.get() && held.isHeld();
  }

  @Override
  public Duration remaining() {
    return closed.get() ? Duration.ZERO : held.remaining();
  }

  @Override
  public void ensureHeld() {
    ensureOpen(closed.get());
    held.ensureHeld();
  }

  @Override
  public void release() {
    ensureOpen(closed.getAndSet(true));
    if (open.decrementAndGet() == 0) {
      held.release();
    } else if (held.state() == HoldState.LOST) {
      held.ensureHeld();
    }
  }

  @Override
  public void close() {
    if (!closed.getAndSet(true) && open.decrementAndGet() == 0) {
      held.close();
    }
  }

  private void ensureOpen(boolean isClosed) {
    if (isClosed) {
      throw new KeeperException.NotHeld(
          path(), token(), path() + ": this was released before (token " + token() + ")", null);
    }
  }

  @Override
  public String toString() {
    return "Held[" + node() + ", " + state() + "]";
  }
}
