package dev.pgkeeper.internal.session;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperHealth;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.KeeperOptions.ConnectionSource;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.OwnConnection;
import dev.pgkeeper.internal.observe.Observation;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The client's side of a session: its state, who is told of it, and what callers ask. A {@link
 * Heartbeat} keeps it, and {@link Looks} find out what it was rung for.
 *
 * <pre>
 *   HELD ⇄ JEOPARDY    by the heartbeat alone
 *   both → LOST        by whoever hears from the database that it has ended
 *   both → CLOSED      by whoever closes it
 * </pre>
 *
 * <p>The state is told, belief is asked: {@link #isHeld} reads the clocks, so that it is right even
 * in a process that was stopped and has not got round to anything since.
 */
public final class ClientSession {
  private static final Logger log = LoggerFactory.getLogger(ClientSession.class);
  private static final Duration LONGEST_CLOSE = Duration.ofSeconds(3);
  private static final Duration LONGEST_LAST_LOOK = Duration.ofSeconds(1);
  private final Database database;
  private final KeeperOptions options;
  private final SessionCalls calls;
  private final Observation observation;
  private final EventThread events;
  private final Executor background;

  /** What is to be done, and not for long, once the database has ended it. */
  private final Runnable whenLost;

  private final BeliefDeadline belief = new BeliefDeadline();

  /**
   * Without it two changes could be told in another order than they were made. Services are told
   * under it, and take their own locks after it; none takes it under one of theirs.
   */
  private final ReentrantLock stateLock = new ReentrantLock();

  private final List<Consumer<SessionState>> stateListeners = new CopyOnWriteArrayList<>();
  private final Syncs syncs = new Syncs();
  private final Reaper reaper;
  private final SessionServices services = new SessionServices();
  private final Looks looks;
  private final Pings pings;

  /** Where its own connection comes from; null: it has the lease alone. */
  private final @Nullable ConnectionSource source;

  private volatile SessionState state = SessionState.HELD;
  private volatile Instant since = Instant.now();
  private volatile long id;
  private volatile String channel = "";

  /** What keeps it, once it is open. */
  private volatile @Nullable Heartbeat heartbeat;

  /**
   * The database has told a caller that the session has ended, and this is yet to find that out.
   * Set by any caller's refusal; taken back by {@link #hasEnded} if the session lives after all.
   */
  private volatile boolean refused;

  /** How it ended, once it has. */
  private volatile String ending = "its lease or its grace was over";

  public ClientSession(
      Database database,
      KeeperOptions options,
      Observation observation,
      EventThread events,
      @Nullable ConnectionSource source,
      Executor background,
      Runnable whenLost) {
    this.database = database;
    this.options = options;
    this.observation = observation;
    this.source = source;
    this.background = background;
    this.calls = new SessionCalls(options.schema());
    this.reaper = new Reaper(database, calls, observation, background);
    this.events = events;
    this.whenLost = whenLost;
    this.pings = new Pings(database, calls);
    this.looks = new Looks(database, this, services, syncs);
  }

  private static Duration shorter(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }

  /** Something else that lives with this session; before it is opened. */
  public void accompany(SessionService another) {
    services.add(another);
  }

  /** Opens the session in the database. */
  public void open() {
    SessionOpening.Opened opened = new SessionOpening(database, calls, options, source).open();
    id = opened.id();
    channel = opened.channel();
    database.useSession(id, () -> refused = true);
    SessionParts parts =
        new SessionParts(database, calls, options, observation, belief, looks, reaper, background);
    OwnConnection own = opened.own();
    Heartbeat keeping =
        own == null || source == null
            ? new PollingHeartbeat(this, parts, opened.sent())
            : new ListeningHeartbeat(
                this,
                parts,
                opened.sent(),
                source,
                own,
                channel,
                new Hearing(syncs, services, looks));
    heartbeat = keeping;
    keeping.start();
    looks.start(hearsRings() ? options.sweep() : shorter(Heartbeat.POLL, options.sweep()));
  }

  private Heartbeat heartbeat() {
    return Objects.requireNonNull(heartbeat, "the session is not open yet");
  }

  public long id() {
    return id;
  }

  public SessionState state() {
    return state;
  }

  /** Tells the listeners of this session. */
  public EventThread events() {
    return events;
  }

  public Observation observation() {
    return observation;
  }

  /** The state as others see it: in jeopardy as soon as it cannot be believed in, told or not. */
  public SessionState seenState() {
    boolean believed = isHeld();
    SessionState now = state;
    return now == SessionState.HELD && !believed ? SessionState.JEOPARDY : now;
  }

  /** What an operator wants to know at once. */
  public KeeperHealth health(Duration patience) {
    SessionState told = state;
    SessionState now = seenState();
    Optional<Duration> ping =
        now == SessionState.CLOSED ? Optional.empty() : pings.within(patience);
    Instant lastContact = heartbeat().lastContact();
    return new KeeperHealth(
        id, now, now == told ? since : lastContact, lastContact, ping, heartbeat().listens());
  }

  /** Something of the session's is over although nobody here released it. */
  void holdLost(String what, long token) {
    if (state == SessionState.CLOSED) {
      return;
    }
    if (!state.isTerminal()) {
      log.warn(
          "session {}: {} is lost (token {}): its limit was reached, or it was taken away",
          id,
          what,
          token);
    }
    observation.holdLost(id, what, token);
  }

  /** Tells something where watchers are told: one at a time, in order. */
  public void tell(Runnable event) {
    events.tell(event);
  }

  /** Whether the session is certainly alive at this moment. */
  public boolean isHeld() {
    return !state.isTerminal() && !belief.left().isZero();
  }

  /** How long it certainly stays alive. */
  public Duration heldFor() {
    return state.isTerminal() ? Duration.ZERO : belief.left();
  }

  /**
   * Returns for how long something of the session's is certainly held that ends at this limit at
   * the latest; null stands for no limit.
   */
  public Duration heldFor(@Nullable Duration limit) {
    return limit == null ? heldFor() : shorter(heldFor(), limit);
  }

  /** Whether changes are rung, and so paths have to be registered. */
  public boolean hearsRings() {
    return heartbeat().hearsRings();
  }

  /** Throws unless the session can still be used. */
  public void ensureUsable() {
    if (state == SessionState.CLOSED) {
      throw new IllegalStateException(
          "this keeper was closed (session " + id + "); connect again for a new one");
    } else if (state == SessionState.LOST) {
      throw new KeeperException.SessionExpired(
          "session "
              + id
              + " has ended, with everything it owned: "
              + ending
              + ". The keeper opens the next one by itself; ask it again");
    }
  }

  /**
   * Whether it has ended. What the database has told a caller, but not this session yet, is found
   * out now: whoever was refused because of it is not refused a second time.
   */
  public boolean hasEnded() {
    if (refused && !state.isTerminal()) {
      try {
        if (database.readOnce(calls.sessionRenew(id))) {
          refused = false;
        } else {
          lost(database::readOnce);
        }
      } catch (KeeperException e) {
        log.debug("session {}: whether it has ended is not known yet", id, e);
      }
    }
    return state == SessionState.LOST;
  }

  public Subscription onStateChange(Consumer<SessionState> listener) {
    stateListeners.add(listener);
    return () -> stateListeners.remove(listener);
  }

  /** The database has ended it. */
  void lost(Caller caller) {
    if (!become(SessionState.LOST)) {
      return;
    }
    whenLost.run();
    try {
      caller.call(calls.sessionEnding(id)).ifPresent(ended -> ending = ended.told());
    } catch (KeeperException e) {
      log.debug("session {}: found no reason for its end", id, e);
    }
    log.warn("session {} has ended: {}. Everything it owned is gone", id, ending);
    looks.stop();
    background.execute(this::clearAway);
  }

  /** What is left of a session that ran out need not wait for the reaper. */
  private void clearAway() {
    try {
      database.readOnce(calls.sessionEnd(id));
    } catch (KeeperException e) {
      log.debug("session {} is left to the reaper", id, e);
    }
  }

  /** Becomes this state. Returns false if it is that already, or is for ever something else. */
  boolean become(SessionState next) {
    stateLock.lock();
    try {
      if (state == next || state.isTerminal()) {
        return false;
      }
      state = next;
      since = Instant.now();
      if (next == SessionState.JEOPARDY) {
        observation.jeopardy();
      } else if (next == SessionState.LOST) {
        observation.sessionLost(id, ending);
      }
      services.told(next);
      for (Consumer<SessionState> listener : stateListeners) {
        events.tell(() -> listener.accept(next));
      }
      return true;
    } finally {
      stateLock.unlock();
    }
  }

  // What callers ask for.

  /** See {@link Heartbeat#attachments}. */
  public long attachments() {
    return heartbeat().attachments();
  }

  /** Waits until everything that was rung before has been told to this client's watchers. */
  public void sync() {
    ensureUsable();
    try {
      if (hearsRings()) {
        Syncs.Sync sync = syncs.begin();
        try {
          if (!database.read(calls.notify(channel, sync.payload()))) {
            services.catchUp(database::read);
          } else if (!sync.heard()
              .await(options.operationTimeout().toMillis(), TimeUnit.MILLISECONDS)) {
            throw new KeeperException.ConnectionLoss(
                "session "
                    + id
                    + " heard nothing of its own ring for "
                    + options.operationTimeout(),
                null);
          }
        } finally {
          syncs.end(sync);
        }
      } else {
        services.catchUp(database::read);
      }
      events.drain(options.operationTimeout());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new KeeperException.ConnectionLoss("interrupted while waiting for events", e);
    }
  }

  /** Ends the session. If the database is away it ends there by itself, later. */
  public void close() {
    boolean ends = !state.isTerminal();
    become(SessionState.CLOSED);
    if (ends) {
      try {
        database.readOnce(
            connection -> {
              boolean ended =
                  calls
                      .sessionEndWithin(shorter(options.operationTimeout(), LONGEST_CLOSE), id)
                      .apply(connection);
              calls.notify(channel, "closed").apply(connection);
              return ended;
            });
      } catch (KeeperException e) {
        log.warn(
            "session {} could not be ended in the database and will end by itself within {}: {}",
            id,
            hearsRings() ? options.grace() : options.timeout(),
            e.getMessage());
      }
    }
    try {
      reaper.stop();
      looks.stop(LONGEST_LAST_LOOK);
      heartbeat().stop();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (KeeperException e) {
      log.debug("session {}: closing", id, e);
    }
  }
}
