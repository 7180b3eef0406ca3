package dev.pgkeeper.internal.session;

import dev.pgkeeper.HoldState;
import dev.pgkeeper.Subscription;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/** The state of something held, told where watchers are told: each change once and in order. */
public final class ToldState {
  private final ClientSession session;

  /** Without it a listener could hear changes in another order than they were made. */
  private final ReentrantLock lock = new ReentrantLock();

  private final List<Consumer<HoldState>> listeners = new CopyOnWriteArrayList<>();
  private final String what;
  private final long token;
  private volatile HoldState told = HoldState.HELD;

  /**
   * @param what is held, as an operator knows it
   */
  public ToldState(ClientSession session, String what, long token) {
    this.session = session;
    this.what = what;
    this.token = token;
  }

  /** Tells the listeners of a new state. Returns false if it is so already, or is over. */
  public boolean become(HoldState next) {
    lock.lock();
    try {
      if (told == next || told.isTerminal()) {
        return false;
      }
      told = next;
      if (next == HoldState.LOST) {
        session.holdLost(what, token);
      }
      for (Consumer<HoldState> listener : listeners) {
        session.tell(() -> listener.accept(next));
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** The state, where the clocks may know more than was told so far. */
  public HoldState seen(boolean isHeld) {
    HoldState now = told;
    return now == HoldState.HELD && !isHeld ? HoldState.JEOPARDY : now;
  }

  public Subscription onChange(Consumer<HoldState> listener) {
    lock.lock();
    try {
      listeners.add(listener);
      if (told == HoldState.LOST) {
        session.tell(() -> listener.accept(HoldState.LOST));
      }
    } finally {
      lock.unlock();
    }
    return () -> listeners.remove(listener);
  }
}
