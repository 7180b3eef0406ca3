package dev.pgkeeper.internal.line;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.internal.jdbc.Combiner;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.FoundInstead;
import dev.pgkeeper.internal.jdbc.Outcome;
import dev.pgkeeper.internal.line.LineCalls.Found;
import dev.pgkeeper.internal.observe.Observation;
import dev.pgkeeper.internal.observe.Operation;
import dev.pgkeeper.internal.session.Caller;
import dev.pgkeeper.internal.session.ClientSession;
import dev.pgkeeper.internal.session.Companion;
import dev.pgkeeper.internal.session.Moment;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All places that this client has in lines (V007). Joining and leaving are one round trip each,
 * those of several threads go together. Whoever waits is rung: with its key when it holds, without
 * when it should look. A ring may come before the reply to the joining it is meant for, and may be
 * lost: the session's sweep takes what is due and compares what this client knows with what is
 * there. A contender that nobody here knows, because its leaving was lost with a crash of the
 * server or the reply to its joining never came, is left then; one that is known but not there is
 * lost.
 */
public final class Lines implements Companion {
  private static final Logger log = LoggerFactory.getLogger(Lines.class);

  /**
   * So many of what is held in rows are compared in each sweep: losing one of them is always rung
   * for.
   */
  private static final int SWEPT_AT_ONCE = 1000;

  /** In what is rung, no path has it. */
  private static final char KEY_FOLLOWS = '\n';

  private final Database database;
  private final ClientSession session;
  private final Observation observation;
  private final Executor background;
  private final LineCalls calls;
  private final Combiner<Join, Outcome> joining;
  private final Departures departures;

  /** By their addresses. */
  private final Map<String, Place> places = new ConcurrentHashMap<>();

  private final Set<String> doubtful = ConcurrentHashMap.newKeySet();

  /** The joins under way, and what is rung for their places before they are known. */
  private final EarlyRings earlyRings = new EarlyRings();

  /** Each once, however often it is rung until somebody sees to it. */
  private final Set<Place> rungWithoutThread = ConcurrentHashMap.newKeySet();

  private final AtomicBoolean seeingToRings = new AtomicBoolean();
  private final SecureRandom keys = new SecureRandom();
  private final AtomicLong largestToken = new AtomicLong();

  /** Counts the times that everything was swept; only the thread that sweeps uses it. */
  private int sweeps = 1;

  public Lines(Database database, ClientSession session, Executor background) {
    this.database = database;
    this.session = session;
    this.observation = session.observation();
    this.background = background;
    this.calls = new LineCalls(database.schema());
    this.joining = new Combiner<>(this::joinAlone, this::joinTogether);
    this.departures = new Departures(database, session, calls, this::later);
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

  /** On another thread; not at all once the keeper is closed, for then nothing is left to do. */
  void later(Runnable task) {
    try {
      background.execute(task);
    } catch (RejectedExecutionException e) {
      log.debug("session {} is closed", session.id(), e);
    }
  }

  long newKey() {
    return keys.nextLong();
  }

  // Joining.

  /** Null if it only tried and somebody was in the way. */
  @Nullable Place join(Join join) {
    Attempt made = attempt(join);
    while (made.isForgotten()) {
      made = attempt(join.withKey(newKey())); // the last one's may have been overheard
    }
    return made.place();
  }

  /** What came of asking once; forgotten if the server crashed before it was durable. */
  private record Attempt(@Nullable Place place, boolean isForgotten) {}

  private Attempt attempt(Join join) {
    session.ensureUsable();
    long attempt = earlyRings.begin(largestToken.get());
    try {
      Moment sentAt = Moment.now();
      Outcome outcome = apply(join);
      if (outcome.code() == Code.BUSY) {
        return new Attempt(null, false);
      } else if (outcome.code() == Code.WRONG_RECIPE) {
        throw wrongRecipe(join);
      }
      Place place = settle(join, outcome.ok(join.line()), sentAt, attempt);
      return new Attempt(place, outcome.knownStat().version() == 0 && !flush(place));
    } finally {
      earlyRings.end(attempt);
    }
  }

  /** Whatever goes wrong once it may have been sent, the line has to be looked at. */
  private Outcome apply(Join join) {
    long began = observation.begin();
    try {
      return observation.answered(Operation.JOIN, began, joining.apply(join));
    } catch (RuntimeException e) {
      doubtful.add(join.line());
      throw observation.failed(Operation.JOIN, began, e);
    } catch (Error e) {
      doubtful.add(join.line());
      throw e;
    }
  }

  /**
   * Whoever has to wait makes its place durable meanwhile, before anything is built on it (V007).
   * False: it is not there any more.
   */
  private boolean flush(Place place) {
    try {
      if (database.read(calls.flush(session.id(), place.node, place.token))) {
        return true;
      }
    } catch (KeeperException e) {
      leave(place);
      throw e;
    }
    vanish(place);
    return false;
  }

  private Place settle(Join join, Outcome joined, Moment sentAt, long attempt) {
    Place place = new Place(join, joined.path(), joined.knownStat().czxid(), observation);
    know(place.token);
    if (joined.knownStat().version() != 1) {
      place.begin(observation.waits(session.id(), join.line(), join.recipe()));
    }
    places.put(place.address, place);
    if (session.state().isTerminal()) {
      vanish(place);
    } else if (joined.knownStat().version() == 1) {
      place.grant(sentAt);
    } else {
      String payload = earlyRings.take(place.address, attempt);
      if (payload != null) {
        hear(payload, place, sentAt);
      }
    }
    return place;
  }

  private void know(long token) {
    largestToken.accumulateAndGet(token, Math::max);
  }

  private KeeperException wrongRecipe(Join join) {
    String instead = database.read(FoundInstead.at(database.schema(), join.line()));
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
    return database
        .request(
            calls.requestJoinSql(),
            (statement, first) -> LineCalls.bind(statement, first, join),
            Database.RingFor::watchedNodes)
        .get(0);
  }

  private @Nullable List<Outcome> joinTogether(List<Join> joins) {
    return database.requestOnce(
        calls.requestJoinsSql(),
        (statement, first) -> LineCalls.bind(statement, first, joins),
        Database.RingFor::watchedNodes);
  }

  // Leaving.

  /**
   * Gives up a place, whether it waits or holds. If the database is away, it is given up once that
   * is back. False: it was given up before, or is gone.
   */
  boolean leave(Place place) {
    return leave(place, false);
  }

  /**
   * The same.
   *
   * @param fencedHere by a transaction that cannot end before this returns
   */
  boolean leave(Place place, boolean fencedHere) {
    if (!place.beginToLeave()) {
      return false;
    }
    if (fencedHere) {
      departures.leaveOnceItIsLetGo(place.leave());
    } else {
      departures.leave(place.leave());
    }
    place.vanish();
    places.remove(place.address, place);
    return true;
  }

  /**
   * A write becomes a read: another node in the same place, with the same number. Asked again, it
   * finds it done.
   */
  Place downgrade(Hold write) {
    Place before = write.place();
    Place after = before.downgraded();
    before.changes = true;
    after.changes = true;
    places.put(after.address, after);
    try {
      if (!database.read(calls.lineDowngrade(session.id(), before.node))) {
        vanish(after);
        vanish(before);
        write.ensureHeld();
      }
      write.handOver();
      before.beginToLeave();
      before.vanish();
      places.remove(before.address, before);
      return after;
    } finally {
      before.changes = false;
      after.changes = false;
      if (before.takeRing() || after.isRung()) {
        ring(before);
        ring(after);
      }
    }
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
    Moment sentAt = Moment.now();
    due.forEach(place -> place.ask(sentAt));
    Map<String, Found> found =
        database.read(calls.lineTake(session.id(), due.stream().map(place -> place.node).toList()));
    for (Place place : due) {
      if (place.changes) {
        place.ring(); // to be looked at once it has changed
      } else {
        saw(place, found.get(place.address), sentAt);
      }
    }
  }

  /** Finds out whether a hold is still there. */
  void lookAt(Place place) {
    if (!database
        .read(calls.lineTake(session.id(), List.of(place.node)))
        .containsKey(place.address)) {
      vanish(place);
    }
  }

  private void saw(Place place, @Nullable Found found, Moment sentAt) {
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
    } else {
      place.refuse();
    }
  }

  void vanish(Place place) {
    if (place.vanish()) {
      Hold hold = place.hold;
      if (hold != null) {
        hold.lost();
      }
    }
    places.remove(place.address, place);
  }

  private void ring(Place place) {
    if (!place.ring() && place.phase() != Place.Phase.GONE) {
      rungWithoutThread.add(place);
      seeToRings();
    }
  }

  /** Takes for all those that wait without a thread, and looks after those that hold. */
  private void seeToRings() {
    if (!rungWithoutThread.isEmpty() && seeingToRings.compareAndSet(false, true)) {
      later(
          () -> {
            try {
              List<Place> due = new ArrayList<>();
              for (Place next : rungWithoutThread) {
                rungWithoutThread.remove(next);
                if (!next.changes && next.takeRing()) {
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
  public void rung(String payload) {
    if (!payload.startsWith("/")) {
      return;
    }
    int end = payload.indexOf(KEY_FOLLOWS);
    String address = end < 0 ? payload : payload.substring(0, end);
    Place place = places.get(address);
    if (place == null) {
      earlyRings.keep(address, payload);
      place = places.get(address); // it may have come to be known just now
    }
    if (place != null) {
      hear(payload, place, Moment.now());
    }
  }

  /** With its key it holds; otherwise somebody has to look. */
  private void hear(String payload, Place place, Moment now) {
    if (payload.equals(place.address + KEY_FOLLOWS + place.join.key())) {
      place.grant(now);
    } else {
      ring(place);
    }
  }

  @Override
  public boolean isIdle() {
    return places.isEmpty() && departures.areFinished() && doubtful.isEmpty();
  }

  @Override
  public void sweep(Caller caller) {
    departures.finish();
    List<String> doubted = new ArrayList<>(doubtful);
    if (!doubted.isEmpty()) {
      database.settleAll(); // else it could be done after the look
    }
    List<Place> known = new ArrayList<>();
    List<String> lines = new ArrayList<>(doubted);
    int held = 0;
    for (Place place : places.values()) {
      boolean waits = place.phase() == Place.Phase.WAITS;
      if (place.changes) {
        continue;
      } else if (!place.isInRow()) {
        known.add(place);
      } else if (waits || place.sweep != sweeps && held++ < SWEPT_AT_ONCE) {
        place.sweep = sweeps;
        known.add(place);
        lines.add(place.node);
      }
    }
    if (held < SWEPT_AT_ONCE) {
      sweeps++; // all were looked at since the last time
    }
    // Whatever has a larger number may belong to a join whose reply is still to come.
    long certain = earlyRings.certain(largestToken.get());
    Moment sentAt = Moment.now();
    known.forEach(place -> place.ask(sentAt));
    Map<String, Found> found = caller.call(calls.lineSweep(session.id(), lines));
    for (Place place : known) {
      Found there = found.remove(place.address);
      if (place.phase() != Place.Phase.LEAVES && !place.changes) {
        saw(place, there, sentAt);
      }
    }
    for (Map.Entry<String, Found> unknown : found.entrySet()) {
      leaveUnlessKnown(unknown.getKey(), unknown.getValue().token(), certain);
    }
    doubtful.removeAll(doubted);
  }

  private void leaveUnlessKnown(String address, long token, long certain) {
    if (token > certain) {
      know(token);
      rung(address);
      return;
    }
    if (!places.containsKey(address)) {
      log.info("session {}: leaving {}, which nobody here knows of", session.id(), address);
      departures.leaveLater(Place.leave(address, token));
    }
  }

  @Override
  public void returned(Caller caller) {
    departures.repeat();
    // Also if nothing is known here: after a loss the database may know of what was left long ago.
    sweep(caller);
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
