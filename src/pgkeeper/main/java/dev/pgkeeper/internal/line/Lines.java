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
import dev.pgkeeper.internal.session.Moment;
import dev.pgkeeper.internal.session.SessionService;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All places that this client has in lines (R__13_lines.sql). Joining and leaving are one round
 * trip each, those of several threads go together. Whoever waits is rung: with its key when it
 * holds, without when it should look. A ring may come before the reply to the joining it is meant
 * for, and may be lost: the session's sweep takes what is due and compares what this client knows
 * with what is there. A contender that nobody here knows, because its leaving was lost with a crash
 * of the server or the reply to its joining never came, is left then; one that is known but not
 * there is lost.
 */
public final class Lines implements SessionService {
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
  private final PendingLeaves leaves;

  /** By their addresses. */
  private final Map<String, LineEntry> entries = new ConcurrentHashMap<>();

  /**
   * What the database has of this session and nobody here knows, as one sweep found it: left by the
   * next sweep, if nobody knows it then either. In between its join's reply may still arrive.
   */
  /**
   * Lines with a join that failed after it may have been sent, until a sweep has looked there. The
   * database may have placed this session in their rows, of which it keeps no list.
   */
  private final Set<String> doubtful = ConcurrentHashMap.newKeySet();

  /** The joins under way, and what is rung for their places before they are known. */
  private final EarlyRings earlyRings = new EarlyRings();

  /** Each once, however often it is rung until somebody sees to it. */
  private final Set<LineEntry> rungWithoutThread = ConcurrentHashMap.newKeySet();

  /** A task is under way that sees to those. Without it each ring would begin one. */

  /** A task sees to those. Without it each ring would begin one of its own. */
  private final AtomicBoolean seeingToRings = new AtomicBoolean();

  private final SecureRandom keys = new SecureRandom();

  /** Of all that this client was told: the place of a join that begins now has a greater one. */
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
    this.leaves = new PendingLeaves(database, session, calls, this::later);
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

  /** On another thread; on this one once the keeper is closed. */
  void later(Runnable task) {
    background.execute(task);
  }

  long newKey() {
    return keys.nextLong();
  }

  // Joining.

  /** Null if it only tried and somebody was in the way. */
  @Nullable LineEntry join(Join join) {
    Attempt made = attempt(join);
    while (made.isForgotten()) {
      made = attempt(join.withKey(newKey())); // the last one's may have been overheard
    }
    return made.entry();
  }

  /** What came of asking once; forgotten if the server crashed before it was durable. */
  private record Attempt(@Nullable LineEntry entry, boolean isForgotten) {}

  private Attempt attempt(Join join) {
    session.ensureUsable();
    long joinNumber = earlyRings.begin(largestToken.get());
    try {
      Moment sentAt = Moment.now();
      Outcome outcome = apply(join);
      if (outcome.code() == Code.BUSY) {
        return new Attempt(null, false);
      } else if (outcome.code() == Code.WRONG_RECIPE) {
        throw wrongRecipe(join);
      }
      JoinReply reply = JoinReply.of(outcome.ok(join.line()));
      LineEntry entry = place(join, reply, sentAt, joinNumber);
      return new Attempt(entry, !reply.holds() && !flush(entry));
    } finally {
      earlyRings.end(joinNumber);
    }
  }

  /** Whatever goes wrong once it may have been sent, the line has to be looked at. */
  private Outcome apply(Join join) {
    boolean answered = false;
    try {
      Outcome outcome = observation.measure(Operation.JOIN, () -> joining.apply(join));
      answered = true;
      return outcome;
    } finally {
      if (!answered) {
        doubtful.add(join.line());
      }
    }
  }

  /**
   * Makes the place durable while it waits, before anything is built on it (R__13_lines.sql).
   * Returns false if it is not there any more.
   */
  private boolean flush(LineEntry entry) {
    try {
      if (database.read(calls.flush(session.id(), entry.node, entry.token))) {
        return true;
      }
    } catch (KeeperException e) {
      leave(entry);
      throw e;
    }
    vanish(entry);
    return false;
  }

  private LineEntry place(Join join, JoinReply joined, Moment sentAt, long joinNumber) {
    LineEntry entry = new LineEntry(join, joined.node(), joined.token(), observation);
    know(entry.token);
    if (!joined.holds()) {
      entry.begin(observation.waits(session.id(), join.line(), join.recipe()));
    }
    // Before the state is asked: who tells the entries of a lost session may have come by already.
    entries.put(entry.address, entry);
    if (session.state().isTerminal()) {
      vanish(entry);
    } else if (joined.holds()) {
      entry.grant(sentAt);
    } else {
      String payload = earlyRings.take(entry.address, joinNumber);
      if (payload != null) {
        hear(payload, entry, sentAt);
      }
    }
    return entry;
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
   * Gives up a place, whether it waits or holds; once the database is back, if that is away.
   * Returns false if it was given up before, or is gone.
   */
  boolean leave(LineEntry entry) {
    return leave(entry, false);
  }

  /**
   * The same.
   *
   * @param fencedHere by a transaction that cannot end before this returns
   */
  boolean leave(LineEntry entry, boolean fencedHere) {
    if (!entry.beginToLeave()) {
      return false;
    }
    if (fencedHere) {
      leaves.leaveOnceItIsLetGo(entry.leave());
    } else {
      leaves.leave(entry.leave());
    }
    entry.vanish();
    entries.remove(entry.address, entry);
    return true;
  }

  /**
   * A write becomes a read: another node in the same place, with the same number. Asked again, it
   * finds it done.
   */
  LineEntry downgrade(Hold write) {
    LineEntry before = write.entry();
    LineEntry after = before.downgraded();
    before.changes = true;
    after.changes = true;
    entries.put(after.address, after);
    try {
      if (!database.read(calls.lineDowngrade(session.id(), before.node))) {
        vanish(after);
        vanish(before);
        write.ensureHeld();
      }
      write.handOver();
      before.beginToLeave();
      before.vanish();
      entries.remove(before.address, before);
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
  boolean await(LineEntry entry, long deadline) throws InterruptedException {
    entry.waitsOn(Thread.currentThread());
    try {
      while (true) {
        if (Thread.interrupted()) {
          throw new InterruptedException();
        } else if (entry.takeRing()) {
          take(List.of(entry));
        }
        switch (entry.phase()) {
          case HOLDS -> {
            return true;
          }
          case WAITS -> {
            long left = deadline - System.nanoTime();
            if (left <= 0) {
              return false;
            } else if (!entry.isRung()) {
              LockSupport.parkNanos(entry, left);
            }
          }
          default -> throw gone(entry);
        }
      }
    } finally {
      entry.waitsOn(null);
      if (entry.isRung()) {
        ring(entry);
      }
    }
  }

  RuntimeException gone(LineEntry entry) {
    session.ensureUsable();
    return new KeeperException.NotHeld(
        entry.node,
        entry.token,
        entry.node + " was taken out of the line, by an operator or at its limit",
        null);
  }

  private void take(List<LineEntry> due) {
    Moment sentAt = Moment.now();
    due.forEach(entry -> entry.ask(sentAt));
    Map<String, Found> found =
        database.read(calls.lineTake(session.id(), due.stream().map(entry -> entry.node).toList()));
    for (LineEntry entry : due) {
      if (entry.changes) {
        entry.ring(); // to be looked at once it has changed
      } else {
        saw(entry, found.get(entry.address), sentAt);
      }
    }
  }

  /** Finds out whether a hold is still there. */
  void lookAt(LineEntry entry) {
    if (!database
        .read(calls.lineTake(session.id(), List.of(entry.node)))
        .containsKey(entry.address)) {
      vanish(entry);
    }
  }

  private void saw(LineEntry entry, @Nullable Found found, Moment sentAt) {
    if (found == null) {
      vanish(entry);
    } else if (found.holds()) {
      entry.grant(sentAt);
      if (found.isRevoked()) {
        Hold hold = entry.hold;
        if (hold != null) {
          hold.revoked();
        }
      }
    } else {
      entry.refuse();
    }
  }

  void vanish(LineEntry entry) {
    if (entry.vanish()) {
      Hold hold = entry.hold;
      if (hold != null) {
        hold.lost();
      }
    }
    entries.remove(entry.address, entry);
  }

  private void ring(LineEntry entry) {
    if (!entry.ring() && entry.phase() != LineEntry.Phase.GONE) {
      rungWithoutThread.add(entry);
      seeToRings();
    }
  }

  /** Takes for all those that wait without a thread, and looks after those that hold. */
  private void seeToRings() {
    if (!rungWithoutThread.isEmpty() && seeingToRings.compareAndSet(false, true)) {
      later(
          () -> {
            try {
              List<LineEntry> due = new ArrayList<>();
              for (LineEntry next : rungWithoutThread) {
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
    LineEntry entry = entries.get(address);
    if (entry == null) {
      earlyRings.keep(address, payload);
      entry = entries.get(address); // it may have come to be known just now
    }
    if (entry != null) {
      hear(payload, entry, Moment.now());
    }
  }

  /** With its key it holds; otherwise somebody has to look. */
  private void hear(String payload, LineEntry entry, Moment now) {
    if (payload.equals(entry.address + KEY_FOLLOWS + entry.join.key())) {
      entry.grant(now);
    } else {
      ring(entry);
    }
  }

  @Override
  public boolean isIdle() {
    return entries.isEmpty() && leaves.areFinished() && doubtful.isEmpty();
  }

  @Override
  public void sweep(Caller caller) {
    leaves.finish();
    List<String> doubted = new ArrayList<>(doubtful);
    if (!doubted.isEmpty()) {
      database.settleAll(); // else it could be done after the look
    }
    List<LineEntry> known = new ArrayList<>();
    List<String> lines = new ArrayList<>(doubted);
    int held = 0;
    for (LineEntry entry : entries.values()) {
      boolean waits = entry.phase() == LineEntry.Phase.WAITS;
      if (entry.changes) {
        continue;
      } else if (!entry.isInRow()) {
        known.add(entry);
      } else if (waits || entry.sweep != sweeps && held++ < SWEPT_AT_ONCE) {
        entry.sweep = sweeps;
        known.add(entry);
        lines.add(entry.node);
      }
    }
    if (held < SWEPT_AT_ONCE) {
      sweeps++; // all were looked at since the last time
    }
    // Whatever has a larger number may belong to a join whose reply is still to come.
    long certain = earlyRings.certain(largestToken.get());
    Moment sentAt = Moment.now();
    known.forEach(entry -> entry.ask(sentAt));
    Map<String, Found> found = caller.call(calls.lineSweep(session.id(), lines));
    for (LineEntry entry : known) {
      Found there = found.remove(entry.address);
      if (entry.phase() != LineEntry.Phase.LEAVES && !entry.changes) {
        saw(entry, there, sentAt);
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
    if (!entries.containsKey(address)) {
      log.info("session {}: leaving {}, which no caller here waits for", session.id(), address);
      leaves.leaveLater(LineEntry.leave(address, token));
    }
  }

  @Override
  public void returned(Caller caller) {
    leaves.repeat();
    // Also if nothing is known here: after a loss the database may know of what was left long ago.
    sweep(caller);
  }

  @Override
  public void told(SessionState state) {
    if (state.isTerminal()) {
      List.copyOf(entries.values()).forEach(this::vanish);
    } else {
      for (LineEntry entry : entries.values()) {
        Hold hold = entry.hold;
        if (hold != null) {
          hold.told(state);
        }
      }
    }
  }
}
