package dev.pgkeeper.internal.queue;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.jdbc.Combiner;
import dev.pgkeeper.internal.jdbc.Outcome;
import dev.pgkeeper.internal.observe.Operation;
import dev.pgkeeper.internal.queue.Claimed.State;
import dev.pgkeeper.internal.queue.QueueCalls.Take;
import dev.pgkeeper.internal.queue.QueueCalls.Taken;
import dev.pgkeeper.queue.Enqueued;
import dev.pgkeeper.queue.MessageQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** What all users of one queue share in this client: those of several threads go together. */
final class QueueChannel {
  /** Trips that take more than so many go by themselves: together they gain nothing. */
  private static final int TOGETHER = 8;

  /** Bytes that go in one request, if they come from several threads. */
  private static final int BYTES_TOGETHER = 1 << 22;

  final String name;
  final Wakeups wakeups = new Wakeups();
  final QueueCounter counter;

  /**
   * A session is rung once for each time that it registers, so more rings of one queue are hardly
   * pgkeeper's, and each wakes another session.
   */
  private static final int MOST_PASSED_ON = 16;

  private final QueueParts parts;
  private final QueueSession session;

  /** Rings that are for other sessions, and not passed on yet. */
  private final AtomicInteger toPassOn = new AtomicInteger();

  /** Those that are not to end before their session. */
  private final Set<QueueConsumer<?>> consumers = ConcurrentHashMap.newKeySet();

  private final Combiner<byte[][], Long> enqueueing;
  private final Combiner<Trip, Answer> taking;

  QueueChannel(QueueParts parts, String name) {
    this.parts = parts;
    this.session = parts.session();
    this.name = name;
    this.counter = new QueueCounter(parts.counters(), this);
    this.enqueueing = new Combiner<>(this::enqueueAlone, this::enqueueTogether);
    this.taking = new Combiner<>(this::takeAlone, this::takeTogether);
  }

  QueueParts parts() {
    return parts;
  }

  QueueSession session() {
    return session;
  }

  // Enqueueing.

  /** The number of the first; the others follow it one by one. */
  long enqueue(byte[][] payloads) {
    long first = session.observation().measure(Operation.ENQUEUE, () -> enqueueing.apply(payloads));
    counter.enqueued(payloads.length);
    return first;
  }

  private Long enqueueAlone(byte[][] payloads) {
    return session
        .database()
        .request(
            session.calls().requestEnqueueSql(),
            (statement, first) -> QueueCalls.bind(statement, first, name, payloads),
            (connection, schema, outcomes) ->
                session.calls().ringIdle(connection, List.of(name), List.of(payloads.length)))
        .get(0)
        .number();
  }

  @SuppressWarnings("NullAway") // null: each goes alone
  private @Nullable List<Long> enqueueTogether(List<byte[][]> several) {
    int number = several.stream().mapToInt(some -> some.length).sum();
    long bytes = 0;
    byte[][] payloads = new byte[number][];
    int place = 0;
    for (byte[][] some : several) {
      for (byte[] payload : some) {
        payloads[place++] = payload;
        bytes += payload.length;
      }
    }
    if (number > MessageQueue.MOST_AT_ONCE || bytes > BYTES_TOGETHER) {
      return null;
    }
    List<Outcome> outcomes =
        session
            .database()
            .requestOnce(
                session.calls().requestEnqueueSql(),
                (statement, first) -> QueueCalls.bind(statement, first, name, payloads),
                (connection, schema, done) ->
                    session.calls().ringIdle(connection, List.of(name), List.of(number)));
    if (outcomes == null) {
      return null;
    }
    List<Long> firsts = new ArrayList<>(several.size());
    long next = outcomes.get(0).number();
    for (byte[][] some : several) {
      firsts.add(next);
      next += some.length;
    }
    return firsts;
  }

  /** Some with more than a payload, all or nothing. */
  List<Enqueued> enqueue(Batch batch) {
    List<Outcome> outcomes = session.observation().measure(Operation.ENQUEUE, () -> request(batch));
    return counted(batch.enqueued(outcomes));
  }

  private List<Outcome> request(Batch batch) {
    return session
        .database()
        .request(
            session.calls().requestEnqueueAllSql(),
            batch::bind,
            (connection, schema, done) ->
                session
                    .calls()
                    .ringIdle(connection, List.of(name), List.of(batch.payloads().length)));
  }

  /** Counts what was enqueued. */
  List<Enqueued> counted(List<Enqueued> enqueued) {
    counter.enqueued((int) enqueued.stream().filter(one -> !one.isDuplicate()).count());
    return enqueued;
  }

  // Taking.

  /**
   * One look at the queue.
   *
   * @param apart each message in a claim of its own, to be acked in a transaction of its own
   * @param done to be acked; each has begun to leave
   * @param sleeps registers the session to be rung if there is nothing
   */
  record Trip(
      int most, @Nullable Duration lease, boolean apart, List<Claimed> done, boolean sleeps) {}

  /**
   * What it brought.
   *
   * @param refused of those to be acked: they were lost before
   * @param asleep a ring will come
   */
  record Answer(List<Claimed> taken, List<Claimed> refused, boolean asleep) {}

  Answer go(Trip trip) {
    return session
        .observation()
        .measure(
            trip.most == 0 ? Operation.ACK : Operation.TAKE,
            () -> trip.most <= TOGETHER ? taking.apply(trip) : takeAlone(trip));
  }

  private Answer takeAlone(Trip trip) {
    return takeAll(List.of(trip), trip.apart).get(0);
  }

  @SuppressWarnings("NullAway") // null: each goes alone
  private @Nullable List<Answer> takeTogether(List<Trip> trips) {
    Duration lease = trips.get(0).lease;
    if (trips.stream().anyMatch(trip -> !java.util.Objects.equals(trip.lease, lease))) {
      return null;
    }
    return takeAll(trips, true);
  }

  private List<Answer> takeAll(List<Trip> trips, boolean apart) {
    int most = 0;
    boolean sleeps = false;
    List<Claimed> acks = trips.size() == 1 ? trips.get(0).done : new ArrayList<>();
    for (Trip trip : trips) {
      most += trip.most;
      sleeps |= trip.sleeps;
      if (trips.size() > 1) {
        acks.addAll(trip.done);
      }
    }
    Claims claims = parts.claims();
    Claims.Departure departure = claims.depart(acks);
    long first = claims.begin(apart ? Math.max(1, most) : 1);
    List<Long> proofs = acks.isEmpty() ? List.of() : claims.takeProofs();
    boolean done = false;
    try {
      List<Long> whole = new ArrayList<>(departure.whole);
      whole.addAll(proofs);
      long sentAt = System.nanoTime();
      Taken taken =
          session
              .database()
              .repeat(
                  session
                      .calls()
                      .take(
                          session.id(),
                          new Take(
                              name,
                              first,
                              most,
                              trips.get(0).lease,
                              apart && most > 1,
                              whole,
                              departure.claims,
                              departure.ids,
                              sleeps)));
      done = true;
      if (taken.messages().isEmpty() && !acks.isEmpty()) {
        claims.proved(first);
      }
      parts.tidying().used(this, taken.nextMs());
      Set<Claimed> refused = new HashSet<>(departure.done(State.ACKED, taken.refused()));
      counter.taken(taken.messages().size());
      counter.acked(acks.size() - refused.size());
      return share(trips, claim(taken, first, apart, trips.get(0).lease, sentAt), refused, taken);
    } finally {
      if (!done) {
        departure.failed();
        proofs.forEach(claims::proved);
      }
      claims.end(first);
    }
  }

  private List<Claimed> claim(
      Taken taken, long first, boolean apart, @Nullable Duration lease, long sentAt) {
    List<Claimed> claimed = new ArrayList<>(taken.messages().size());
    Claim claim = null;
    for (StoredMessage message : taken.messages()) {
      if (claim == null || apart) {
        int messages = apart ? 1 : taken.messages().size();
        claim = new Claim(first + claimed.size(), messages, lease, sentAt);
        parts.claims().know(claim);
      }
      claimed.add(new Claimed(this, message, claim));
    }
    return claimed;
  }

  /** First come first served. */
  private static List<Answer> share(
      List<Trip> trips, List<Claimed> claimed, Set<Claimed> refused, Taken taken) {
    List<Answer> answers = new ArrayList<>(trips.size());
    int next = 0;
    for (Trip trip : trips) {
      int end = Math.min(claimed.size(), next + trip.most);
      answers.add(
          new Answer(
              claimed.subList(next, end),
              trip.done.stream().filter(refused::contains).toList(),
              taken.asleep()));
      next = end;
    }
    return answers;
  }

  /**
   * Takes, and waits for something to take until this {@link System#nanoTime}; acks do not wait.
   */
  Answer take(Trip trip, long deadline) throws InterruptedException {
    Wait wait = new Wait();
    wakeups.enter();
    try {
      List<Claimed> refused = List.of();
      List<Claimed> done = trip.done;
      while (true) {
        wait.seen = wakeups.rung();
        boolean sleeps = deadline - System.nanoTime() > 0;
        Answer answer =
            go(new Trip(trip.most, trip.lease, trip.apart, done, sleeps && session.hearsRings()));
        refused = done.isEmpty() ? refused : answer.refused;
        done = List.of();
        if (!answer.taken.isEmpty() || !sleeps || !refused.isEmpty()) {
          return new Answer(answer.taken, refused, answer.asleep);
        }
        wait.woken = false;
        wait.pass(answer.asleep, deadline);
        session.ensureUsable();
      }
    } finally {
      wakeups.exit();
      passOn(wait.woken, wait.seen);
    }
  }

  /**
   * Whoever was woken and took something wakes the next one here. And what was rung since it looked
   * is for the next one, here or elsewhere.
   */
  void passOn(boolean woken, long seen) {
    boolean rungSince = wakeups.rung() != seen;
    if ((woken || rungSince) && !wakeups.ring() && rungSince) {
      ringElsewhere();
    }
  }

  /**
   * The session was rung for something that nobody here takes: the ring is for somebody else. Those
   * that come before the first is passed on go with it.
   */
  void ringElsewhere() {
    if (toPassOn.getAndIncrement() > 0) {
      return;
    }
    session.attemptLater(
        "a ring to pass on",
        () -> {
          int rings = Math.min(toPassOn.getAndSet(0), MOST_PASSED_ON);
          session
              .database()
              .read(
                  connection -> {
                    session.calls().ringIdle(connection, List.of(name), List.of(rings));
                    return true;
                  });
        });
  }

  /** One thread that waits. */
  private final class Wait implements Wakeups.Sleeper {
    private final Thread thread = Thread.currentThread();
    private final Pauses pauses = new Pauses(session);
    long seen;

    /** It is on this one to see that the session is registered again. */
    volatile boolean woken;

    @Override
    public void wake() {
      woken = true;
      LockSupport.unpark(thread);
    }

    void pass(boolean asleep, long deadline) throws InterruptedException {
      long until = asleep ? deadline : Math.min(deadline, pauses.next());
      if (!wakeups.sleep(this, seen)) {
        return;
      }
      try {
        while (!woken && System.nanoTime() - until < 0) {
          LockSupport.parkNanos(this, until - System.nanoTime());
          if (Thread.interrupted()) {
            throw new InterruptedException();
          }
        }
      } finally {
        if (!wakeups.leave(this)) {
          woken = true;
        }
      }
    }
  }

  /**
   * Each of these is to leave, or none.
   *
   * @throws IllegalStateException if one did before
   * @throws KeeperException.NotHeld if one is no longer this session's
   */
  void beginToLeave(List<Claimed> messages) {
    if (session.isOver()) {
      messages.stream().filter(Claimed::beginToLeave).forEach(one -> one.become(State.LOST));
    }
    Claims.ensureLeaves(name, messages);
  }

  /** Extends a claim. Returns false if it is gone. */
  boolean extend(Claim claim, Duration lease) {
    long sentAt = System.nanoTime();
    if (!session.database().read(session.calls().extend(session.id(), claim.number, lease))) {
      return false;
    }
    claim.extend(lease, sentAt);
    return true;
  }

  // Consumers.

  void add(QueueConsumer<?> consumer) {
    consumers.add(consumer);
  }

  void remove(QueueConsumer<?> consumer) {
    consumers.remove(consumer);
  }

  /** Ends those who consume, and wakes those who wait. */
  void sessionEnded() {
    consumers.forEach(QueueConsumer::sessionEnded);
    wakeups.ringAll();
  }

  KeeperException.NoQueue noQueue(@Nullable Throwable cause) {
    return new KeeperException.NoQueue(
        "there is no queue \""
            + name
            + "\". Make it with QueueOptions.withCreation(true) or the SQL function queue_create,"
            + " or check the spelling",
        cause);
  }
}
