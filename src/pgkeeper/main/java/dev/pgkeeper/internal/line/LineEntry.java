package dev.pgkeeper.internal.line;

import dev.pgkeeper.internal.observe.Observation;
import dev.pgkeeper.internal.observe.Wait;
import dev.pgkeeper.internal.session.Moment;
import dev.pgkeeper.line.LineRequest;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A contender of this client's, from its joining until it is known to be gone. */
final class LineEntry {
  /**
   *
   *
   * <pre>
   *   WAITS → HOLDS          by a grant: the reply to the join, a ring, or a sweep
   *   WAITS, HOLDS → LEAVES  by whoever gives it up
   *   any → GONE             by whoever finds that the database does not have it
   * </pre>
   *
   * None of them comes back.
   */
  enum Phase {
    WAITS,
    HOLDS,
    /** This client is giving it up; until the database confirmed that, it is one to be deleted. */
    LEAVES,
    GONE
  }

  /** No path has it. */
  private static final String ROW_FOLLOWS = "//";

  final Join join;
  final String node;

  /** What the database calls it: its node, or for one in the line's row the line and the number. */
  final String address;

  final long token;
  private final AtomicReference<Phase> phase = new AtomicReference<>(Phase.WAITS);

  /** Told once it holds, or is gone; then done with. */
  private final AtomicReference<@Nullable Runnable> decided = new AtomicReference<>();

  /** When it was last compared with what is there; only the thread that sweeps uses it. */
  int sweep;

  /**
   * While it becomes another one, a look finds one of the two or the other. A ring, which anybody
   * can make, waits until that is over.
   */
  volatile boolean changes;

  /** When the request was sent by which it may have been granted; a limit counts from there. */
  private volatile @Nullable Moment askedAt;

  /** Somebody says that it may hold, and the thread that waits has not looked yet. */
  private final AtomicBoolean rung = new AtomicBoolean();

  /** Who looks once it is rung; null: nobody waits on a thread, see {@link Lines}. */
  private volatile @Nullable Thread waiter;

  /** When it is over at the latest, from before it was granted. */
  private volatile @Nullable Moment limit;

  private final Observation observation;

  /** Null if it holds from the beginning; ended by whoever takes the place out of WAITS. */
  private volatile @Nullable Wait wait;

  /** What to tell of a hold; null while there is none. */
  volatile @Nullable Hold hold;

  LineEntry(Join join, String node, long token, Observation observation) {
    this.join = join;
    this.observation = observation;
    this.node = node;
    this.address = node.equals(join.line()) ? node + ROW_FOLLOWS + token : node;
    this.token = token;
  }

  /** Whether it has no node. */
  boolean isInRow() {
    return node.equals(join.line());
  }

  Leave leave() {
    return new Leave(node, token, isInRow());
  }

  /** How to leave what is known by its address alone. */
  static Leave leave(String address, long token) {
    int row = address.indexOf(ROW_FOLLOWS);
    return row < 0
        ? new Leave(address, token, false)
        : new Leave(address.substring(0, row), token, true);
  }

  /** What becomes of a write: a read that holds, with the same number and the same end. */
  LineEntry downgraded() {
    Join read =
        new Join(
            join.line(),
            join.recipe(),
            join.permits(),
            LineRequest.of("read").data(join.request().data()),
            join.tries(),
            join.key());
    LineEntry after = new LineEntry(read, node.replaceAll("-write$", "-read"), token, observation);
    after.limit = limit;
    after.phase.set(Phase.HOLDS);
    return after;
  }

  @SuppressWarnings("NullAway") // a reference that never holds null
  Phase phase() {
    return phase.get();
  }

  /** Its turn has not come yet; before anybody else knows of it. */
  void begin(Wait itsWait) {
    wait = itsWait;
  }

  private void endWait(Wait.End end) {
    Wait ended = wait;
    if (ended != null) {
      ended.end(end);
    }
  }

  /** A request is sent now that may grant it, even if its reply is never heard. */
  void ask(Moment sentAt) {
    if (askedAt == null) {
      askedAt = sentAt;
    }
  }

  /** No request so far has granted it. */
  void refuse() {
    askedAt = null;
  }

  /**
   * Notes a grant by a request that was sent at this moment. Where the reply to an earlier request
   * was not heard, a later one finds the same hold, whose limit goes on from the earlier moment.
   * Returns false if nobody waits here any more.
   */
  boolean grant(Moment sentAt) {
    if (join.request().atMost() != null && limit == null) {
      limit = Objects.requireNonNullElse(askedAt, sentAt).plus(join.request().atMost());
    }
    boolean granted = phase.compareAndSet(Phase.WAITS, Phase.HOLDS);
    if (granted) {
      endWait(Wait.End.GRANTED);
      observation.granted(join.recipe());
      decide();
    }
    return granted;
  }

  /** Notes that the place is gone. Returns false if that was wanted or known. */
  boolean vanish() {
    Phase before = phase.getAndSet(Phase.GONE);
    if (before == Phase.WAITS) {
      endWait(Wait.End.LOST);
    }
    decide();
    return before == Phase.WAITS || before == Phase.HOLDS;
  }

  /** Begins to give the place up. Returns false if that had begun before, or if it is gone. */
  boolean beginToLeave() {
    while (true) {
      Phase before = phase.get();
      if (before == Phase.LEAVES || before == Phase.GONE) {
        return false;
      } else if (phase.compareAndSet(before, Phase.LEAVES)) {
        if (before == Phase.WAITS) {
          endWait(Wait.End.GIVEN_UP);
        }
        return true;
      }
    }
  }

  private void decide() {
    Runnable listener = decided.getAndSet(null);
    if (listener != null) {
      listener.run();
    }
    wake();
  }

  /** Calls once it holds or is gone; at once if that is so. */
  void whenDecided(Runnable listener) {
    decided.set(listener);
    Phase now = phase();
    if (now == Phase.HOLDS || now == Phase.GONE) {
      decide();
    }
  }

  /**
   * Notes that somebody says it may hold now. Returns false if nobody waits on a thread, so that
   * somebody else has to see to it.
   */
  boolean ring() {
    rung.set(true);
    return wake();
  }

  boolean takeRing() {
    return rung.getAndSet(false);
  }

  boolean isRung() {
    return rung.get();
  }

  private boolean wake() {
    Thread waiting = waiter;
    LockSupport.unpark(waiting);
    return waiting != null;
  }

  /** This thread will see to rings from now on; null for nobody. */
  void waitsOn(@Nullable Thread thread) {
    waiter = thread;
  }

  /** How long it may still be held; null: as long as it likes. */
  @Nullable Duration left() {
    Moment until = limit;
    return until == null ? null : until.left();
  }
}
