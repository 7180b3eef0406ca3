package dev.pgkeeper.internal.recipe;

import dev.pgkeeper.Held;
import dev.pgkeeper.HoldState;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.TransactionWork;
import java.sql.Connection;
import java.time.Duration;
import java.util.function.Consumer;

/** Something held that stands on another hold, and ends in its own way. */
public abstract class WrappedHeld implements Held {
  protected final Held held;

  public WrappedHeld(Held held) {
    this.held = held;
  }

  @Override
  public String path() {
    return held.path();
  }

  @Override
  public String node() {
    return held.node();
  }

  @Override
  public long token() {
    return held.token();
  }

  @Override
  public boolean isHeld() {
    return held.isHeld();
  }

  @Override
  public void ensureHeld() {
    held.ensureHeld();
  }

  @Override
  public Duration remaining() {
    return held.remaining();
  }

  @Override
  public HoldState state() {
    return held.state();
  }

  @Override
  public Subscription onStateChange(Consumer<HoldState> listener) {
    return held.onStateChange(listener);
  }

  @Override
  public Subscription onRevocation(Runnable listener) {
    return held.onRevocation(listener);
  }

  @Override
  public void fence(Connection connection) {
    held.fence(connection);
  }

  @Override
  public <X extends Exception> void inTransaction(TransactionWork<X> work) throws X {
    held.inTransaction(work);
  }
}
