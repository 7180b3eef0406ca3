package dev.pgkeeper.internal.line;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.internal.jdbc.Combiner;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.Outcome;
import dev.pgkeeper.internal.line.LineCalls.Found;
import dev.pgkeeper.internal.session.Caller;
import dev.pgkeeper.internal.session.ClientSession;
import dev.pgkeeper.internal.session.Companion;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All places that this client has in lines (V007). Joining and leaving are one round trip each,
 * those of several threads go together. Whoever waits is rung by the database, and then takes its
 * turn itself; a ring may come before the reply to the joining it is meant for, and may be lost:
 * the session's sweep takes what is due and compares what this client knows with what is there. A
 * contender that nobody here knows, because its leaving was lost with a crash of the server or the
 * reply to its joining never came, is left then; one that is known but not there is lost.
 */
public final class Lines implements Companion {
  private static final Logger log = LoggerFactory.getLogger(Lines.class);

  /** Who finds a row locked goes alone rather than keep the others waiting. */
  private static final int PATIENCE_TOGETHER_MS = 10;

  private final Database database;
  private final ClientSession session;
  private final Executor background;
  private final LineCalls calls;
  private final Combiner<Join, Outcome> joining;
  private final Combiner<String, Boolean> leaving;
  private final Map<String, Place> places = new ConcurrentHashMap<>();

  /** Joins on their way, each with the largest number that was known when it began. */
  private final Map<Object, Long> underWay = new ConcurrentHashMap<>();

  private final Set<String> earlyRings = ConcurrentHashMap.newKeySet();
  private final ConcurrentLinkedQueue<Place> rungWithoutThread = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean seeingToRings = new AtomicBoolean();
  private final AtomicLong largestToken = new AtomicLong();

  public Lines(Database database, ClientSession session, Executor background) {
    this.database = database;
    this.session = session;
    this.background = background;
    this.calls = new LineCalls(database.schema());
    this.joining = new Combiner<>(this::joinAlone, this::joinTogether);
    this.leaving = new Combiner<>(this::leaveAlone, this::leaveTogether);
    session.accompany(this);
  }

  ClientSession session() {
    return session;
  }

  Database database() {
    return database;
  }

  LineCalls calls() {
    return calls;
  }

  Executor background() {
    return background;
  }

  // Joining.

  /** Null if it only tried and somebody was in the way. */
  @Nullable Place join(Join join) {
    session.ensureUsable();
    Object attempt = new Object();
    underWay.put(attempt, largestToken.get());
    try {
      long sentAt = System.nanoTime();
      Outcome outcome = joining.apply(join);
      if (outcome.code() == Code.BUSY) {
        return null;
      } else if (outcome.code() == Code.WRONG_RECIPE) {
        throw wrongRecipe(join);
      }
      return settle(join, outcome.ok(join.line()), sentAt);
    } finally {
      underWay.remove(attempt);
    }
  }

  private Place settle(Join join, Outcome joined, long sentAt) {
    Place place = new Place(join, joined.path(), joined.knownStat().czxid());
    know(place.token);
    places.put(place.node, place);
    if (joined.knownStat().version() == 1) {
      place.grant(sentAt);
    } else if (!earlyRings.isEmpty() && earlyRings.remove(place.node)) {
      ring(place);
    }
    if (session.state().isTerminal()) {
      vanish(place);
    }
    return place;
  }

  private void know(long token) {
    largestToken.accumulateAndGet(token, Math::max);
  }

  private KeeperException wrongRecipe(Join join) {
    String instead = database.read(calls.instead(join.line()));
    return new KeeperException.WrongRecipe(
        join.line(),
        join.line()
            + " is "
            + instead
            + ", not "
            + join.recipe().replace('_', ' ')
            + " of "
            + join.permits()
            + "; use another path, or the same recipe and size as everybody else");
  }

  private Outcome joinAlone(Join join) {
    return request(List.of(join), null).get(0);
  }

  private List<Outcome> request(List<Join> joins, @Nullable Integer patienceMs) {
    return database.request(
        calls.joinSql(),
        (statement, first) -> LineCalls.bind(statement, first, joins, patienceMs),
        this::ringWatched);
  }

  private @Nullable List<Outcome> joinTogether(List<Join> joins) {
    return database.requestOnce(
        calls.joinSql(),
        (statement, first) -> LineCalls.bind(statement, first, joins, PATIENCE_TOGETHER_MS),
        this::ringWatched);
  }

  private void ringWatched(java.sql.Connection connection, String schema, List<Outcome> outcomes)
      throws java.sql.SQLException {
    calls.ringWatched(
        connection,
        outcomes.stream().filter(outcome -> outcome.code() == Code.OK).map(Outcome::path).toList());
  }

  // Leaving.

  /**
   * Gives up a place, whether it waits or holds. If the database is away, it is given up once that
   * is back. False: it was given up before, or is gone.
   */
  boolean leave(Place place) {
    if (!place.beginToLeave()) {
      return false;
    }
    try {
      leaving.apply(place.node);
      place.vanish();
      places.remove(place.node);
    } catch (KeeperException e) {
      log.warn(
          "session {}: {} will be given up once the database lets it: {}",
          session.id(),
          place.node,
          e.getMessage());
    }
    return true;
  }

  private Boolean leaveAlone(String node) {
    return database.read(
        calls.lineLeave(List.of(node), (int) database.operationTimeout().toMillis()));
  }

  @SuppressWarnings("NullAway") // does not infer that a lambda may return null
  private @Nullable List<Boolean> leaveTogether(List<String> nodes) {
    try {
      database.readOnce(calls.lineLeave(nodes, PATIENCE_TOGETHER_MS));
      return nodes.stream().map(node -> true).toList();
    } catch (KeeperException e) {
      return null;
    }
  }

  /**
   * A write becomes a read: another node in the same place, with the same number. Asked again, it
   * finds it done.
   */
  Place downgrade(Hold write) {
    Place before = write.place();
    Place after = new Place(before.join, before.node.replaceAll("-write$", "-read"), before.token);
    after.grant(System.nanoTime());
    places.put(after.node, after);
    places.remove(before.node);
    if (!database.read(calls.lineDowngrade(session.id(), before.node))) {
      vanish(after);
      vanish(before);
      write.ensureHeld();
    }
    before.beginToLeave();
    write.handOver();
    before.vanish();
    return after;
  }

  // Waiting.

  /** Whether it holds; false if it has not come to that by this {@link System#nanoTime}. */
  boolean await(Place place, long deadline) throws InterruptedException {
    place.waitsOn(Thread.currentThread());
    try {
      while (true) {
        if (Thread.interrupted()) {
          throw new InterruptedException();
        } else if (place.takeRing()) {
          take(List.of(place));
        }
        switch (place.phase()) {
          case HOLDS -> {
            return true;
          }
          case WAITS -> {
            long left = deadline - System.nanoTime();
            if (left <= 0) {
              return false;
            } else if (!place.isRung()) {
              LockSupport.parkNanos(place, left);
            }
          }
          default -> throw gone(place);
        }
      }
    } finally {
      place.waitsOn(null);
      if (place.isRung()) {
        ring(place);
      }
    }
  }

  RuntimeException gone(Place place) {
    session.ensureUsable();
    return new KeeperException.NotHeld(
        place.node,
        place.token,
        place.node + " was taken out of the line, by an administrator or at its limit",
        null);
  }

  private void take(List<Place> due) {
    long sentAt = System.nanoTime();
    Map<String, Found> found =
        database.read(calls.lineTake(session.id(), due.stream().map(place -> place.node).toList()));
    due.forEach(place -> saw(place, found.get(place.node), sentAt));
  }

  private void saw(Place place, @Nullable Found found, long sentAt) {
    if (found == null) {
      vanish(place);
    } else if (found.holds()) {
      place.grant(sentAt);
      if (found.isRevoked()) {
        Hold hold = place.hold;
        if (hold != null) {
          hold.revoked();
        }
      }
    }
  }

  void vanish(Place place) {
    if (place.vanish()) {
      Hold hold = place.hold;
      if (hold != null) {
        hold.lost();
      }
    }
    places.remove(place.node);
  }

  private void ring(Place place) {
    if (!place.ring()) {
      rungWithoutThread.add(place);
      seeToRings();
    }
  }

  /** Takes for all those that wait without a thread, and looks after those that hold. */
  private void seeToRings() {
    if (!rungWithoutThread.isEmpty() && seeingToRings.compareAndSet(false, true)) {
      background.execute(
          () -> {
            try {
              List<Place> due = new ArrayList<>();
              for (Place next = rungWithoutThread.poll();
                  next != null;
                  next = rungWithoutThread.poll()) {
                if (next.takeRing()) {
                  due.add(next);
                }
              }
              if (!due.isEmpty()) {
                take(due);
              }
            } catch (KeeperException e) {
              log.debug("session {}: left to the next sweep", session.id(), e);
            } finally {
              seeingToRings.set(false);
            }
            seeToRings();
          });
    }
  }

  // What the session tells.

  @Override
  public void rung(Collection<String> paths) {
    for (String path : paths) {
      Place place = places.get(path);
      if (place != null) {
        ring(place);
      } else if (!underWay.isEmpty()) {
        earlyRings.add(path);
        Place arrived = places.get(path);
        if (arrived != null && earlyRings.remove(path)) {
          ring(arrived);
        }
      }
    }
  }

  @Override
  public boolean isIdle() {
    return places.isEmpty();
  }

  @Override
  public void sweep(Caller caller) {
    List<Place> known = List.copyOf(places.values());
    // Whatever has a larger number may belong to a join whose reply is still to come.
    long certain = largestToken.get();
    for (long knownAtBegin : underWay.values()) {
      certain = Math.min(certain, knownAtBegin);
    }
    earlyRings.clear();
    long sentAt = System.nanoTime();
    Map<String, Found> found = caller.call(calls.lineSweep(session.id()));
    for (Place place : known) {
      Found there = found.remove(place.node);
      if (place.phase() == Place.Phase.LEAVES) {
        if (there == null) {
          vanish(place);
        } else {
          leaveLater(place.node);
        }
      } else {
        saw(place, there, sentAt);
      }
    }
    for (Map.Entry<String, Found> unknown : found.entrySet()) {
      String node = unknown.getKey();
      if (unknown.getValue().token() > certain) {
        know(unknown.getValue().token());
        rung(List.of(node));
      } else if (!places.containsKey(node)) {
        log.info("session {}: leaving {}, which nobody here knows of", session.id(), node);
        leaveLater(node);
      }
    }
  }

  private void leaveLater(String node) {
    background.execute(
        () -> {
          try {
            database.readOnce(calls.lineLeave(List.of(node), PATIENCE_TOGETHER_MS));
          } catch (KeeperException e) {
            log.debug("session {}: {} is left to the next sweep", session.id(), node, e);
          }
        });
  }

  @Override
  public void told(SessionState state) {
    if (state.isTerminal()) {
      List.copyOf(places.values()).forEach(this::vanish);
    } else {
      for (Place place : places.values()) {
        Hold hold = place.hold;
        if (hold != null) {
          hold.told(state);
        }
      }
    }
  }
}
