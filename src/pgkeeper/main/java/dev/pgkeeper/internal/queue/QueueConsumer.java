package dev.pgkeeper.internal.queue;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.queue.QueueChannel.Answer;
import dev.pgkeeper.internal.queue.QueueChannel.Trip;
import dev.pgkeeper.queue.ConsumeOptions;
import dev.pgkeeper.queue.Message;
import dev.pgkeeper.queue.MessageQueue;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One consumer of one session: it takes messages, has handlers run with them, and acks what they
 * have handled.
 *
 * <pre>
 *             stop, by its user                 all quiet, by whoever was the last
 *   RUNS ─────────────────────────▶ STOPS ──────────────────────────────────────▶ ENDED
 *     │                               │                                             ▲
 *     └───────────────────────────────┴── the session ends, or the queue is gone ───┘
 * </pre>
 *
 * <p><b>Trips.</b> Everything between this and the database is one kind of call, a trip: it acks
 * what was handled, and takes as many messages as there is room for. At most one trip is under way.
 * What handlers finish meanwhile gathers, and leaves with the next one; so the busier a consumer
 * is, the fewer trips a message costs, and no message waits for others to fill a batch. There is
 * room for one message for each handler that does nothing, and for as many more as may be taken
 * ahead.
 *
 * <p><b>Who travels.</b> A handler's thread that finds nothing ahead makes the trip itself and goes
 * on with what it brings: while one handler is enough, one thread does it all. While all handlers
 * are busy, a thread of the keeper's travels, once half of what was taken ahead is used up, or
 * something handled has waited for some milliseconds.
 *
 * <p><b>Sleeping.</b> A trip that brings nothing has registered the session as one that sleeps at
 * this queue, in the same call that found nothing: whoever enqueues after it rings. From then on
 * this has no thread, and is one entry in {@link Wakeups}. A ring may come before the trip's answer
 * does: then nothing else is registered for that message, and it looks again instead of sleeping.
 * Whoever was woken and took something wakes the next sleeper of this process, until one finds
 * nothing and registers the session again; whoever was woken and stops instead passes the ring on.
 *
 * <p><b>Failures.</b> A trip that fails leaves what it was to ack where it was, and the next one is
 * a second later. Nothing is lost by that: messages are claimed by the session, and an ack that was
 * done although its reply was lost is found to be done by the next one.
 *
 * <p><b>Locks.</b> One lock guards all that may change, and no call of the database, of a handler
 * or of another consumer is made under it, but for {@link #handOverTo}, which takes the next one's
 * lock after its own. That of {@link Wakeups} is taken under it, and wakes nobody while it is held.
 * What is called …Locked has the lock.
 */
final class QueueConsumer<T> implements Wakeups.Sleeper {
  private static final Logger log = LoggerFactory.getLogger(QueueConsumer.class);
  private static final long AFTER_FAILURE_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long LONGEST_GATHERING_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  /** What is done with a message. Returns whether that acked it already. */
  interface Work<T> {
    boolean on(Claimed claimed, Message<T> message) throws Exception;
  }

  private enum State {
    RUNS,
    /** Takes nothing more; handlers run, and what they handle is acked. */
    STOPS,
    /** Does nothing any more; handlers may still run, and what they handle is not acked. */
    ENDED
  }

  private final QueueChannel queue;
  private final QueueSession session;
  private final QueueParts parts;
  private final ConsumeOptions options;
  private final boolean apart;
  private final Function<Claimed, Message<T>> reader;
  private final Work<T> work;
  private final BooleanSupplier restore;
  private final Executor executor;
  private final Pauses pauses;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition ended = lock.newCondition();

  // Guarded by the lock.
  private State state = State.RUNS;

  /** Taken, and begun by no handler. A trip adds, a handler takes out, a stop gives all back. */
  private final Deque<Claimed> ahead = new ArrayDeque<>();

  /**
   * To be acked by the next trip. A handler adds; a trip takes all, and puts them back if it fails.
   */
  private final List<Claimed> handled = new ArrayList<>();

  /** All that was taken and has not left, if it has to be extended. */
  private final Set<Claimed> leased = new HashSet<>();

  /** How many run, with those of the session before that still do; see {@link #handOverTo}. */
  private int handlers;

  /** A trip is: without this two trips would take for the same room. */
  private boolean underWay;

  /** It is among the sleepers. Set by a trip that brought nothing, cleared by whoever wakes it. */
  private boolean asleep;

  /**
   * A ring has woken it, and no trip has looked since. Were that forgotten when it stops or a trip
   * fails, the message that was rung for would wait for the sweep.
   */
  private boolean woken;

  /** What was handled gathers, since enough was taken ahead; a moment is set at which it leaves. */
  private boolean gathers;

  /** That moment has come. */
  private boolean gathered;

  /** The last trip failed: none for a while. */
  private boolean rests;

  /** It has ended only because its session has. */
  private boolean lostItsSession;

  /** The one of the next session, once there is one. */
  private @Nullable QueueConsumer<T> heir;

  /**
   * @param restore makes the queue again after somebody dropped it; false: it is not to be made
   */
  QueueConsumer(
      QueueChannel queue,
      ConsumeOptions options,
      boolean apart,
      Function<Claimed, Message<T>> reader,
      Work<T> work,
      BooleanSupplier restore) {
    this.queue = queue;
    this.session = queue.session();
    this.parts = queue.parts();
    this.options = options;
    this.apart = apart;
    this.reader = reader;
    this.work = work;
    this.restore = restore;
    this.executor = options.executor() == null ? parts.threads() : options.executor();
    this.pauses = new Pauses(session);
  }

  void start() {
    queue.add(this);
    if (session.isOver()) {
      sessionEnded();
    }
    extendInTime();
    travelIfWanted();
  }

  boolean isRunning() {
    return inState(State.RUNS);
  }

  private boolean inState(State asked) {
    lock.lock();
    try {
      return state == asked;
    } finally {
      lock.unlock();
    }
  }

  // Trips. What is called …Locked has the lock.

  private int roomLocked() {
    int most = options.concurrency() + options.prefetch();
    return state == State.RUNS && !asleep ? Math.max(0, most - handlers - ahead.size()) : 0;
  }

  private boolean beginTripLocked() {
    if (underWay || rests || state == State.ENDED || handled.isEmpty() && roomLocked() == 0) {
      return false;
    }
    boolean hasEnough = handlers == options.concurrency() && ahead.size() > options.prefetch() / 2;
    if (hasEnough && !gathered && !woken) {
      gatherLocked();
      return false;
    }
    gathered = false;
    underWay = true;
    return true;
  }

  private void gatherLocked() {
    if (!gathers && !handled.isEmpty()) {
      gathers = true;
      parts
          .clock()
          .at(
              System.nanoTime() + LONGEST_GATHERING_NANOS,
              () -> {
                leaveGathered();
                travelIfWanted();
              });
    }
  }

  private void leaveGathered() {
    lock.lock();
    try {
      gathers = false;
      gathered = !handled.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /** On a thread of the keeper's, for this one has something else to do. */
  private void travelIfWanted() {
    boolean begins;
    lock.lock();
    try {
      begins = beginTripLocked();
    } finally {
      lock.unlock();
    }
    if (begins) {
      session.later(
          () -> {
            travel(false);
            travelIfWanted();
            endIfQuiet();
          });
    }
  }

  /**
   * One trip.
   *
   * @param stays this thread handles messages: true if there is one for it now
   */
  private boolean travel(boolean stays) {
    List<Claimed> acks;
    int most;
    lock.lock();
    try {
      acks = handled.stream().filter(Claimed::beginToLeave).toList();
      handled.clear();
      most = Math.min(roomLocked(), MessageQueue.MOST_AT_ONCE);
    } finally {
      lock.unlock();
    }
    long seen = queue.wakeups.rung();
    if (most > 0) {
      queue.wakeups.enter();
    }
    Answer answer = null;
    try {
      boolean sleeps = most > 0 && session.hearsRings();
      answer = queue.go(new Trip(most, options.lease(), apart, acks, sleeps));
    } catch (KeeperException.NoQueue e) {
      noQueue(e);
    } catch (RuntimeException e) {
      failed(e);
    } finally {
      if (most > 0) {
        queue.wakeups.exit();
      }
    }
    return answer == null ? failedTrip(acks, most > 0) : arrive(answer, acks, most, seen, stays);
  }

  private void noQueue(KeeperException.NoQueue e) {
    try {
      if (!restore.getAsBoolean()) {
        log.warn("a consumer of the queue {} ends: {}", queue.name, e.getMessage());
        end();
      }
    } catch (RuntimeException again) {
      failed(again);
    }
  }

  private void failed(RuntimeException e) {
    if (session.isOver()) {
      sessionEnded();
    } else {
      log.warn("a consumer of the queue {} goes on in a second: {}", queue.name, e.toString());
    }
  }

  private boolean failedTrip(List<Claimed> acks, boolean looked) {
    boolean passesOn;
    lock.lock();
    try {
      handled.addAll(0, acks);
      underWay = false;
      rests = true;
      passesOn = woken && looked;
      woken = false;
    } finally {
      lock.unlock();
    }
    if (passesOn) {
      queue.wakeups.ring();
    }
    wakeAt(System.nanoTime() + AFTER_FAILURE_NANOS);
    return false;
  }

  private boolean arrive(Answer answer, List<Claimed> acks, int most, long seen, boolean stays) {
    if (!answer.refused().isEmpty()) {
      log.warn(
          "{} messages of the queue {} were handled after they were lost to this session; others may have them",
          answer.refused().size(),
          queue.name);
    }
    boolean wasWoken;
    boolean hasOne = false;
    int starting = 0;
    List<Claimed> tooLate = List.of();
    lock.lock();
    try {
      underWay = false;
      wasWoken = woken && most > 0;
      if (options.lease() != null) {
        acks.forEach(leased::remove);
        leased.addAll(answer.taken());
      }
      if (state != State.RUNS) {
        tooLate = answer.taken();
      } else {
        ahead.addAll(answer.taken());
        if (stays && !ahead.isEmpty() && handlers < options.concurrency()) {
          handlers++;
          hasOne = true;
        }
        starting = Math.min(options.concurrency() - handlers, ahead.size() - (hasOne ? 1 : 0));
        starting = Math.max(0, starting);
        handlers += starting;
      }
      if (most > 0) {
        woken = false;
      }
    } finally {
      lock.unlock();
    }
    parts.returns().giveBackForSure(tooLate.stream().map(Return::release).toList());
    startHandlers(starting);
    if (most > 0 && !answer.taken().isEmpty()) {
      pauses.reset();
      queue.passOn(wasWoken, seen);
    } else if (most > 0) {
      sleep(answer.asleep(), seen);
    }
    return hasOne;
  }

  private void sleep(boolean rings, long seen) {
    lock.lock();
    try {
      if (state != State.RUNS) {
        return;
      }
      asleep = true;
      if (!queue.wakeups.sleep(this, seen)) {
        // Rung before it heard that it sleeps: nobody else is registered for that message.
        asleep = false;
        woken = true;
        return;
      }
    } finally {
      lock.unlock();
    }
    if (!rings) {
      wakeAt(pauses.next());
    }
  }

  private void wakeAt(long nanoTime) {
    parts.clock().at(nanoTime, this::wakeByItself);
  }

  private void wakeByItself() {
    lock.lock();
    try {
      queue.wakeups.leave(this);
      asleep = false;
      rests = false;
    } finally {
      lock.unlock();
    }
    travelIfWanted();
  }

  @Override
  public void wake() {
    lock.lock();
    try {
      asleep = false;
      woken = true;
    } finally {
      lock.unlock();
    }
    travelIfWanted();
  }

  // Handlers.

  private void startHandlers(int number) {
    for (int i = 0; i < number; i++) {
      try {
        executor.execute(this::handleAll);
      } catch (RejectedExecutionException e) {
        log.warn(
            "the executor of a consumer of the queue {} takes no more; {} messages are given back",
            queue.name,
            number - i);
        giveBackAhead(number - i);
        return;
      }
    }
  }

  private void giveBackAhead(int number) {
    List<Return> back = new ArrayList<>();
    lock.lock();
    try {
      handlers -= number;
      for (int i = 0; i < number && !ahead.isEmpty(); i++) {
        back.add(Return.release(ahead.removeLast()));
      }
      rests = true;
    } finally {
      lock.unlock();
    }
    parts.returns().giveBackForSure(back);
    wakeAt(System.nanoTime() + AFTER_FAILURE_NANOS);
  }

  /** Counted as a handler already. */
  private void handleAll() {
    boolean goesOn = true;
    while (goesOn) {
      Claimed next;
      QueueConsumer<T> counts = null;
      boolean travels = false;
      lock.lock();
      try {
        next = ahead.poll();
        if (next == null) {
          handlers--;
          ended.signalAll();
          counts = heir;
          travels = beginTripLocked();
        }
      } finally {
        lock.unlock();
      }
      if (counts != null) {
        counts.handlerReturned();
      }
      if (next != null) {
        handle(next);
      } else {
        goesOn = travels && travel(true);
      }
    }
    travelIfWanted();
    endIfQuiet();
  }

  private void handle(Claimed claimed) {
    boolean acks = false;
    try {
      Message<T> message = reader.apply(claimed);
      try {
        acks = !work.on(claimed, message);
      } catch (Throwable e) {
        log.info(
            "message {} of the queue {} failed at attempt {}: {}",
            claimed.id(),
            queue.name,
            message.attempt(),
            e.getClass().getName());
        log.debug("message {} of the queue {}", claimed.id(), queue.name, e);
        parts.returns().giveBackForSure(List.of(Return.after(claimed, e)));
      }
    } catch (KeeperException.Unreadable e) {
      log.warn("{}; it is under the dead letters now", e.getMessage());
      parts.returns().giveBackForSure(List.of(Return.dead(claimed, SharedQueue.why(e))));
    } finally {
      // An interrupt of this handler is none of the next one's.
      Thread.interrupted();
      handled(claimed, acks);
    }
  }

  /** All handlers may be busy for long: then somebody else acks. */
  private void handled(Claimed claimed, boolean acks) {
    boolean hasMore;
    lock.lock();
    try {
      if (acks) {
        handled.add(claimed);
      } else {
        leased.remove(claimed);
      }
      hasMore = !ahead.isEmpty();
    } finally {
      lock.unlock();
    }
    if (hasMore) {
      travelIfWanted();
    }
  }

  // Leases.

  private void extendInTime() {
    Duration lease = options.lease();
    if (lease != null) {
      parts.clock().at(System.nanoTime() + lease.toNanos() / 3, () -> extend(lease));
    }
  }

  private void extend(Duration lease) {
    List<Claim> claims;
    lock.lock();
    try {
      if (state == State.ENDED) {
        return;
      }
      claims =
          leased.stream()
              .filter(one -> one.state() == Claimed.State.HELD)
              .map(Claimed::claim)
              .distinct()
              .toList();
    } finally {
      lock.unlock();
    }
    if (!claims.isEmpty()) {
      session.attemptLater(
          "a lease to extend", () -> claims.forEach(claim -> queue.extend(claim, lease)));
    }
    extendInTime();
  }

  // The end.

  /** Takes nothing more, and gives back what no handler has begun. */
  void beginToStop() {
    List<Return> back = new ArrayList<>();
    boolean owed;
    lock.lock();
    try {
      if (state == State.RUNS) {
        state = State.STOPS;
      }
      ahead.forEach(one -> back.add(Return.release(one)));
      ahead.clear();
      owed = woken || asleep && !queue.wakeups.leave(this);
      woken = false;
    } finally {
      lock.unlock();
    }
    parts.returns().giveBackForSure(back);
    if (owed && !queue.wakeups.ring()) {
      queue.ringElsewhere();
    }
    travelIfWanted();
    endIfQuiet();
  }

  /** The last handler, or the last trip, may come back long after nobody waits for it any more. */
  private void endIfQuiet() {
    boolean isOver;
    lock.lock();
    try {
      isOver = state == State.STOPS && handlers == 0 && !underWay && handled.isEmpty();
    } finally {
      lock.unlock();
    }
    if (isOver) {
      end();
    }
  }

  /** Waits for the handlers. Returns false if some still run after so long. */
  boolean awaitEnd(Duration patience) throws InterruptedException {
    long left = patience.toNanos();
    lock.lockInterruptibly();
    try {
      while (state != State.ENDED || handlers > 0) {
        if (left <= 0) {
          return false;
        }
        left = ended.awaitNanos(left);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void end() {
    lock.lock();
    try {
      state = State.ENDED;
      ahead.clear();
      ended.signalAll();
    } finally {
      lock.unlock();
    }
    queue.remove(this);
  }

  /** What it had is free already. */
  void sessionEnded() {
    lock.lock();
    try {
      lostItsSession |= state != State.ENDED;
    } finally {
      lock.unlock();
    }
    end();
  }

  /** Whether it would go on if its session did. */
  boolean lostItsSession() {
    lock.lock();
    try {
      return lostItsSession;
    } finally {
      lock.unlock();
    }
  }

  /** The next one counts the handlers that still run here as its own. */
  void handOverTo(QueueConsumer<T> next) {
    lock.lock();
    try {
      heir = next;
      next.inherit(handlers);
    } finally {
      lock.unlock();
    }
  }

  private void inherit(int running) {
    lock.lock();
    try {
      handlers += running;
    } finally {
      lock.unlock();
    }
  }

  /** One that was inherited. */
  private void handlerReturned() {
    QueueConsumer<T> next;
    lock.lock();
    try {
      handlers--;
      ended.signalAll();
      next = heir;
    } finally {
      lock.unlock();
    }
    if (next != null) {
      next.handlerReturned();
    }
    travelIfWanted();
    endIfQuiet();
  }

  @Override
  public String toString() {
    return "MessageConsumer[" + queue.name + "]";
  }
}
