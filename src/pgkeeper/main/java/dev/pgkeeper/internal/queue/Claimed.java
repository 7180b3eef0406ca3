package dev.pgkeeper.internal.queue;

import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;

/** One message that this session has claimed, and what became of it. */
final class Claimed {
  /**
   * Only what is held or in doubt can leave, and only one call can make it.
   *
   * <pre>
   *   HELD, IN_DOUBT → LEAVING             by whoever acks it or gives it back
   *   LEAVING → ACKED, GIVEN_BACK, LOST    by the same call, once it knows
   *   LEAVING → HELD                       by the same call, if it failed
   *   LEAVING → IN_DOUBT                   by the same call, if it acked it in a transaction of the caller's
   * </pre>
   */
  enum State {
    HELD,
    LEAVING,
    /** It was acked in somebody's transaction, of which nobody here knows how it ended. */
    IN_DOUBT,
    ACKED,
    GIVEN_BACK,
    LOST
  }

  private final QueueChannel queue;
  private final StoredMessage message;
  private final AtomicReference<State> state = new AtomicReference<>(State.HELD);
  private volatile Claim claim;

  Claimed(QueueChannel queue, StoredMessage message, Claim claim) {
    this.queue = queue;
    this.message = message;
    this.claim = claim;
  }

  /** Where it was taken from. */
  QueueChannel queue() {
    return queue;
  }

  StoredMessage message() {
    return message;
  }

  long id() {
    return message.id();
  }

  Claim claim() {
    return claim;
  }

  void moveTo(Claim another) {
    claim = another;
  }

  State state() {
    return Objects.requireNonNull(state.get());
  }

  /** Begins to leave. Returns false if it has left, or is leaving already. */
  boolean beginToLeave() {
    return state.compareAndSet(State.HELD, State.LEAVING)
        || state.compareAndSet(State.IN_DOUBT, State.LEAVING);
  }

  /** To be called by whoever made it leave; nobody else moves it meanwhile. */
  void become(State next) {
    state.set(next);
  }
}
