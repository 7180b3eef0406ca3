package dev.pgkeeper.internal.queue;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.observe.QueueDepth;
import dev.pgkeeper.internal.queue.QueueCalls.Tidied;
import dev.pgkeeper.internal.session.Caller;
import dev.pgkeeper.internal.session.ClientSession;
import dev.pgkeeper.internal.session.SessionService;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All queues that a session uses (R__17_queues.sql). Whoever waits for messages is woken by a ring;
 * the sweep looks, with a few statements, at all the queues at which somebody waits, gives back
 * claims that nobody knows of, and repeats what could not be given back before.
 */
public final class Queues implements SessionService {
  private static final Logger log = LoggerFactory.getLogger(Queues.class);
  private static final String RING = "queue ";

  private final QueueSession session;
  private final QueueParts parts;
  private final Map<String, QueueChannel> named = new ConcurrentHashMap<>();

  /** A sweep is under way: the next one need not wait behind it. */
  private final AtomicBoolean sweeping = new AtomicBoolean();

  public Queues(
      Database database, ClientSession client, KeeperOptions options, Executor background) {
    this.session = new QueueSession(database, client, options, background);
    this.parts = QueueParts.of(session);
    client.accompany(this);
  }

  QueueSession session() {
    return session;
  }

  /** What users of one name share. */
  QueueChannel named(String name) {
    QueueChannel known = named.get(name);
    if (known != null) {
      return known;
    }
    QueueChannel fresh = new QueueChannel(parts, name);
    known = named.putIfAbsent(name, fresh);
    if (known == null) {
      session.observation().usesQueue(name);
    }
    return known == null ? fresh : known;
  }

  /** The names of all that were used here. */
  public Collection<String> names() {
    return List.copyOf(named.keySet());
  }

  public List<QueueDepth> depths(Collection<String> queues) {
    return session.database().readOnce(session.calls().queueDepths(queues));
  }

  /** What is to be done before the session ends: within a bounded time. */
  public void close() {
    if (session.isOver()) {
      return;
    }
    if (session.isHeld()) {
      try {
        parts.doubts().settle();
      } catch (KeeperException e) {
        log.debug("session {}: what was acked in transactions is not counted", session.id(), e);
      }
      parts.counters().report();
    }
  }

  // What the session tells.

  @Override
  public void rung(String payload) {
    if (payload.startsWith(RING)) {
      QueueChannel queue = named.get(payload.substring(RING.length()));
      if (queue != null && !queue.wakeups.ring()) {
        queue.ringElsewhere();
      }
    }
  }

  @Override
  public boolean isIdle() {
    return parts.claims().isEmpty()
        && named.values().stream().noneMatch(queue -> queue.wakeups.hasSleepers());
  }

  /** On another thread: a look at a thousand queues would delay the other services' looks. */
  @Override
  public void sweep(Caller caller) {
    if (sweeping.compareAndSet(false, true)) {
      session.later(
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
    if (session.isOver()) {
      return;
    }
    parts.returns().giveBackLeft();
    parts.doubts().settle();
    List<String> waited =
        named.values().stream()
            .filter(queue -> queue.wakeups.hasSleepers())
            .map(queue -> queue.name)
            .toList();
    Database database = session.database();
    QueueCalls calls = session.calls();
    long before = parts.claims().horizon(); // read before what is known
    database.read(calls.claimsForget(session.id(), parts.claims().numbers(), before));
    if (waited.isEmpty()) {
      return;
    }
    for (Tidied tidied : database.read(calls.queueTidy(waited))) {
      parts.tidying().tidied(named(tidied.queue()), tidied.nextMs());
    }
    for (String queue :
        database.read(calls.queueSleep(session.id(), waited, session.hearsRings()))) {
      named(queue).wakeups.ring();
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
      parts.clock().stop();
      if (state == SessionState.LOST) {
        session.later(parts.counters()::report);
      }
      named.values().forEach(QueueChannel::sessionEnded);
    }
  }
}
