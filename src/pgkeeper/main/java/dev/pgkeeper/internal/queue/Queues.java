package dev.pgkeeper.internal.queue;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.Outcome;
import dev.pgkeeper.internal.observe.Observation;
import dev.pgkeeper.internal.observe.Operation;
import dev.pgkeeper.internal.observe.QueueDepth;
import dev.pgkeeper.internal.queue.Claimed.State;
import dev.pgkeeper.internal.queue.QueueCalls.Tidied;
import dev.pgkeeper.internal.session.Caller;
import dev.pgkeeper.internal.session.ClientSession;
import dev.pgkeeper.internal.session.SessionService;
import dev.pgkeeper.queue.Enqueued;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All queues that this client uses (R__17_queues.sql). Whoever waits for messages is woken by a
 * ring; the sweep looks, with a few statements, at all the queues at which somebody waits, gives
 * back claims that nobody knows of, and repeats what could not be given back before.
 */
public final class Queues implements SessionService {
  private static final Logger log = LoggerFactory.getLogger(Queues.class);
  private static final String RING = "queue ";

  /** How long handlers may run on when the keeper is closed. */

  /**
   * Whoever does so many at once may have left some: claims_forget takes as many as this, or more.
   */
  private static final int MANY = 500;

  /**
   * A session is rung once for each time that it registers, so more rings of one queue are hardly
   * pgkeeper's, and each wakes another session.
   */
  private static final int MOST_PASSED_ON = 16;

  private final Database database;
  private final ClientSession session;
  private final Executor background;
  private final Duration sweep;
  private final QueueCalls calls;
  private final Claims claims = new Claims();
  private final Tidying tidying;
  private final QueueCounters counters;
  private final Threads threads = new Threads();
  private final Map<String, QueueChannel> named = new ConcurrentHashMap<>();

  /** What could not be given back, because the database was away. */
  private final Queue<Return> unreturned = new ConcurrentLinkedQueue<>();

  /** What was acked in transactions of which nobody here knows whether they committed. */
  private final Set<Claimed> inDoubt = ConcurrentHashMap.newKeySet();

  private final Set<QueueConsumer<?>> consumers = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean sweeping = new AtomicBoolean();

  public Queues(
      Database database, ClientSession session, KeeperOptions options, Executor background) {
    this.database = database;
    this.session = session;
    this.background = background;
    this.sweep = options.sweep();
    this.calls = new QueueCalls(database.schema());
    this.tidying = new Tidying(this);
    this.counters = new QueueCounters(this);
    session.accompany(this);
  }

  Database database() {
    return database;
  }

  ClientSession session() {
    return session;
  }

  QueueCalls calls() {
    return calls;
  }

  Claims claims() {
    return claims;
  }

  Threads threads() {
    return threads;
  }

  Tidying tidying() {
    return tidying;
  }

  QueueCounters counters() {
    return counters;
  }

  Duration sweep() {
    return sweep;
  }

  boolean hearsRings() {
    return session.hearsRings();
  }

  /** What users of one name share. */
  QueueChannel named(String name) {
    QueueChannel known = named.get(name);
    if (known != null) {
      return known;
    }
    QueueChannel fresh = new QueueChannel(this, name);
    known = named.putIfAbsent(name, fresh);
    if (known == null) {
      session.observation().usesQueue(name);
    }
    return known == null ? fresh : known;
  }

  /** Somebody looked at it just now. */
  void used(QueueChannel queue, @Nullable Long nextMs) {
    tidying.used(queue, nextMs);
  }

  /** On another thread; not at all once the keeper is closed, for then nothing is left to do. */
  void later(Runnable task) {
    try {
      background.execute(task);
    } catch (RejectedExecutionException e) {
      log.debug("session {} is closed", session.id(), e);
    }
  }

  /** Attempts something that another time will do if the database is away. */
  void attemptLater(String what, Runnable task) {
    later(
        () -> {
          try {
            if (!session.state().isTerminal()) {
              task.run();
            }
          } catch (KeeperException e) {
            log.debug("session {}: {} is left to the next sweep", session.id(), what, e);
          }
        });
  }

  /**
   * The session was rung for something that nobody here takes: the ring is for somebody else. Those
   * that come before the first is passed on go with it.
   */
  void ringElsewhere(QueueChannel queue) {
    if (queue.toPassOn.getAndIncrement() > 0) {
      return;
    }
    attemptLater(
        "a ring to pass on",
        () -> {
          int rings = Math.min(queue.toPassOn.getAndSet(0), MOST_PASSED_ON);
          database.read(
              connection -> {
                calls.ringIdle(connection, List.of(queue.name), List.of(rings));
                return true;
              });
        });
  }

  /** The names of all that were used here. */
  public Collection<String> names() {
    return List.copyOf(named.keySet());
  }

  public List<QueueDepth> depths(Collection<String> queues) {
    return database.readOnce(calls.queueDepths(queues));
  }

  // Enqueueing.

  /** Into one queue or several, all or nothing. */
  List<Enqueued> enqueue(Batch batch) {
    Observation observation = session.observation();
    long began = observation.begin();
    List<Outcome> outcomes;
    try {
      outcomes = observation.answered(Operation.ENQUEUE, began, request(batch));
    } catch (RuntimeException e) {
      throw observation.failed(Operation.ENQUEUE, began, e);
    }
    List<Enqueued> enqueued = batch.enqueued(outcomes);
    countEnqueued(batch, enqueued);
    return enqueued;
  }

  private List<Outcome> request(Batch batch) {
    return database.request(
        calls.requestEnqueueAllSql(),
        batch::bind,
        (connection, schema, done) -> {
          Map<String, Integer> numbers = new TreeMap<>();
          for (String queue : batch.queues()) {
            numbers.merge(queue, 1, Integer::sum);
          }
          calls.ringIdle(connection, numbers.keySet(), numbers.values());
        });
  }

  void countEnqueued(Batch batch, List<Enqueued> enqueued) {
    for (int i = 0; i < enqueued.size(); i++) {
      if (!enqueued.get(i).isDuplicate()) {
        named(batch.queues()[i]).counter.enqueued(1);
      }
    }
  }

  /**
   * Under a topic, to all subscriptions or none; an outcome for each, whose path is its queue. The
   * batch is one message, with the topic instead of a queue.
   */
  List<Outcome> publish(Batch message) {
    Observation observation = session.observation();
    long began = observation.begin();
    try {
      return observation.answered(Operation.PUBLISH, began, requestPublish(message));
    } catch (RuntimeException e) {
      throw observation.failed(Operation.PUBLISH, began, e);
    }
  }

  private List<Outcome> requestPublish(Batch message) {
    return database.request(
        calls.requestPublishSql(),
        message::bindOnly,
        (connection, schema, outcomes) ->
            calls.ringIdle(
                connection,
                outcomes.stream().map(Outcome::path).toList(),
                Collections.nCopies(outcomes.size(), 1)));
  }

  // Giving back.

  /**
   * Gives back what has begun to leave; answers with those that were lost before. If that fails,
   * they are held as before.
   */
  List<Claimed> giveBack(List<Return> returns) {
    Claims.Departure departure =
        claims.departOneByOne(returns.stream().map(Return::claimed).toList());
    boolean done = false;
    try {
      Set<Long> refused = new HashSet<>();
      requestReturn(returns).stream()
          .filter(outcome -> outcome.code() == KeeperException.Code.REFUSED)
          .forEach(outcome -> refused.add(outcome.number()));
      done = true;
      List<Claimed> lost = departure.done(State.GIVEN_BACK, refused);
      returns.stream().filter(one -> !lost.contains(one.claimed())).forEach(Return::count);
      return lost;
    } finally {
      if (!done) {
        departure.failed();
      }
    }
  }

  private List<Outcome> requestReturn(List<Return> returns) {
    Observation observation = session.observation();
    long began = observation.begin();
    try {
      return observation.answered(
          Operation.RETURN,
          began,
          database.request(
              calls.requestReturnSql(),
              (statement, first) -> QueueCalls.bind(statement, first, returns),
              (connection, schema, outcomes) -> {}));
    } catch (RuntimeException e) {
      throw observation.failed(Operation.RETURN, began, e);
    }
  }

  /** Gives back what nobody else will give back: now, or when the database is back. */
  List<Claimed> giveBackForSure(List<Return> returns) {
    List<Return> mine = returns.stream().filter(one -> one.claimed().beginToLeave()).toList();
    if (mine.isEmpty()) {
      return List.of();
    }
    try {
      return giveBack(mine);
    } catch (KeeperException e) {
      if (!session.state().isTerminal()) {
        log.info(
            "session {}: {} messages will be given back later: {}",
            session.id(),
            mine.size(),
            e.getMessage());
        unreturned.addAll(mine);
      }
      return List.of();
    }
  }

  void doubt(Claimed message) {
    inDoubt.add(message);
  }

  // Looking after queues.

  /** Done once; how many messages it was, or 1 if something changed. */
  int administer(Administration order) {
    return database
        .request(
            calls.requestAdministerSql(),
            (statement, first) -> QueueCalls.bind(statement, first, order),
            (connection, schema, outcomes) -> {})
        .get(0)
        .children();
  }

  /** Some at a time, for as long as there are many. */
  long administerAll(Supplier<Administration> some) {
    long all = 0;
    int more;
    do {
      more = administer(some.get());
      all += more;
    } while (more >= MANY);
    return all;
  }

  // Consumers.

  void add(QueueConsumer<?> consumer) {
    consumers.add(consumer);
  }

  void remove(QueueConsumer<?> consumer) {
    consumers.remove(consumer);
  }

  // The end.

  /** What is to be done before the session ends: within a bounded time. */
  public void close() {
    if (session.state().isTerminal()) {
      return;
    }
    if (session.isHeld()) {
      try {
        settleDoubts();
      } catch (KeeperException e) {
        log.debug("session {}: what was acked in transactions is not counted", session.id(), e);
      }
      counters.report();
    }
  }

  // What the session tells.

  @Override
  public void rung(String payload) {
    if (payload.startsWith(RING)) {
      QueueChannel queue = named.get(payload.substring(RING.length()));
      if (queue != null && !queue.wakeups.ring()) {
        ringElsewhere(queue);
      }
    }
  }

  @Override
  public boolean isIdle() {
    return claims.isEmpty()
        && named.values().stream().noneMatch(queue -> queue.wakeups.hasSleepers());
  }

  /** On another thread: a look at a thousand queues would delay the session's pings. */
  @Override
  public void sweep(Caller caller) {
    if (sweeping.compareAndSet(false, true)) {
      later(
          () -> {
            try {
              sweepNow();
            } catch (KeeperException e) {
              log.debug("session {}: left to the next sweep", session.id(), e);
            } finally {
              sweeping.set(false);
            }
          });
    }
  }

  private void sweepNow() {
    if (session.state().isTerminal()) {
      return;
    }
    List<Return> again = new ArrayList<>();
    for (Return one = unreturned.poll(); one != null; one = unreturned.poll()) {
      again.add(one);
    }
    giveBackForSure(again);
    settleDoubts();
    List<String> waited =
        named.values().stream()
            .filter(queue -> queue.wakeups.hasSleepers())
            .map(queue -> queue.name)
            .toList();
    long before = claims.horizon(); // read before what is known
    database.read(calls.claimsForget(session.id(), claims.numbers(), before));
    if (waited.isEmpty()) {
      return;
    }
    for (Tidied tidied : database.read(calls.queueTidy(waited))) {
      tidying.tidied(named(tidied.queue()), tidied.nextMs());
    }
    for (String queue : database.read(calls.queueSleep(session.id(), waited, hearsRings()))) {
      named(queue).wakeups.ring();
    }
  }

  /** What is no longer claimed was acked by a transaction that committed. */
  private void settleDoubts() {
    List<Claimed> doubtful = inDoubt.stream().filter(one -> one.state() == State.IN_DOUBT).toList();
    inDoubt.retainAll(doubtful);
    if (doubtful.isEmpty()) {
      return;
    }
    Set<Long> there =
        database.read(
            calls.claimsThere(
                session.id(), doubtful.stream().map(one -> one.claim().number).toList()));
    for (Claimed one : doubtful) {
      if (!there.contains(one.claim().number) && one.beginToLeave()) {
        inDoubt.remove(one);
        claims.committed(one);
        one.queue().counter.acked(1);
      }
    }
  }

  @Override
  public void returned(Caller caller) {
    if (!isIdle()) {
      sweep(caller);
    }
  }

  @Override
  public void told(SessionState state) {
    if (state.isTerminal()) {
      tidying.stop();
      if (state == SessionState.LOST) {
        later(counters::report);
      }
      consumers.forEach(QueueConsumer::sessionEnded);
      named.values().forEach(queue -> queue.wakeups.ringAll());
    }
  }
}
