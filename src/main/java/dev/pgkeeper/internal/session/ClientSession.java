package dev.pgkeeper.internal.session;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperHealth;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.KeeperOptions.ConnectionSource;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.internal.jdbc.Backoff;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.OwnConnection;
import dev.pgkeeper.internal.observe.Observation;
import dev.pgkeeper.internal.path.Paths;
import dev.pgkeeper.internal.watch.EventThread;
import dev.pgkeeper.internal.watch.Hinted;
import dev.pgkeeper.internal.watch.Seen;
import dev.pgkeeper.internal.watch.Watches;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The client's side of a session. One thread keeps it: it pings and renews on the client's own
 * connection, hears the rings there, and connects again when the connection breaks. It waits for
 * nothing else: what was rung for is looked at on another one ({@link Looks}).
 *
 * <p>What the client may believe. The database ends a session in two cases: its lease ran out, or
 * its connection was found gone and stayed away for the grace (R__03_sessions.sql). So a client
 * believes in its session until the earlier of these:
 *
 * <ul>
 *   <li>three quarters of the grace after it sent the last ping that was answered, on the
 *       connection that holds its liveness lock: the database cannot have suspected it before that
 *       ping;
 *   <li>the timeout after it sent the last renewal that was answered: the lease is a third longer.
 * </ul>
 *
 * After a break it takes its lock on a new connection, clears the suspicion, and only then believes
 * again. Without a connection of its own it has the lease alone, and polls. So it does while it
 * cannot open its own one, but the pool's work: a new password, a limit of connections, a firewall.
 *
 * <p>The state is told, belief is asked: {@link #isHeld} reads the clocks, so that it is right even
 * in a process that was stopped and has not got round to anything since.
 */
public final class ClientSession {
  private static final Logger log = LoggerFactory.getLogger(ClientSession.class);
  private static final Duration SLOWEST_PING = Duration.ofMillis(800);
  private static final Duration SHORTEST_PING = Duration.ofMillis(20);
  private static final Duration POLL = Duration.ofSeconds(1);
  private static final Duration SLOWEST_RECONNECT = Duration.ofMillis(400);
  private static final int FAILURES_BEFORE_ALONE = 3;
  private static final Duration LONGEST_CLOSE = Duration.ofSeconds(3);
  private static final Duration LONGEST_LAST_LOOK = Duration.ofSeconds(1);
  private static final Duration LISTEN_PROBE = Duration.ofSeconds(2);
  private static final Duration LONGEST_SETTLING = Duration.ofMillis(200);

  /**
   * Rung when somebody else ended the session (R__27_operators.sql); it is believed when a ping
   * says so.
   */
  private static final String ENDED = "ended";

  private final Database database;
  private final KeeperOptions options;
  private final SessionCalls calls;
  private final Observation observation;
  private final EventThread events;
  private final Watches watches;
  private final Executor background;

  /** What is to be done, and not for long, once the database has ended it. */
  private final Runnable whenLost;

  private final BeliefDeadline belief = new BeliefDeadline();
  private final ReentrantLock stateLock = new ReentrantLock();
  private final List<Consumer<SessionState>> stateListeners = new CopyOnWriteArrayList<>();
  private final Syncs syncs = new Syncs();
  private final Reaper reaper;
  private final AtomicLong attachments = new AtomicLong();
  private final Duration pingEvery;
  private final Duration renewEvery;
  private final Thread thread;
  private final SessionServices services = new SessionServices();
  private final Looks looks;
  private final Pings pings;

  private volatile SessionState state = SessionState.HELD;
  private volatile Instant since = Instant.now();
  private volatile Instant lastContact = since;
  private volatile long id;
  private volatile String channel = "";
  private volatile @Nullable OwnConnection own;

  /** How it ended, once it has. */
  /**
   * The database has told a caller that the session has ended, and this is yet to find that out.
   */
  private volatile boolean refused;

  private volatile String ending = "its lease or its grace was over";

  /** Null: lease only. */
  private @Nullable ConnectionSource ownConnections;

  // Only the session's thread uses these.
  private @Nullable Moment pinged;
  private @Nullable Moment renewed;
  private long nextPing;
  private long nextRenewal;
  private long nextLeaseReap = Long.MAX_VALUE;
  private boolean tookLeaseTurn;
  private int failures;
  private long brokeAt;

  /** Whether only the lease counts until its own connection is back. */
  private boolean alone;

  private final AtomicBoolean renewsAlone = new AtomicBoolean();

  /** Numbers what is said of the client's way: its own connection, or its lease alone. */
  private final AtomicLong ways = new AtomicLong();

  /** Of the last time that the own connection was asked to count. */
  private long attachedWay;

  /** A renewal that the database has confirmed through the pool. */
  private record Alone(Moment sent, long way) {}

  /** The last one; the session's thread takes it. */
  private final AtomicReference<@Nullable Alone> renewedAlone = new AtomicReference<>();

  public ClientSession(
      Database database,
      KeeperOptions options,
      Observation observation,
      EventThread events,
      @Nullable ConnectionSource ownConnections,
      Executor background,
      Runnable whenLost) {
    this.database = database;
    this.options = options;
    this.observation = observation;
    this.ownConnections = ownConnections;
    this.background = background;
    this.calls = new SessionCalls(options.schema(), options.operationTimeout());
    this.reaper = new Reaper(database, calls, observation, background);
    this.events = events;
    this.whenLost = whenLost;
    this.watches = new Watches(events, this::state);
    this.pingEvery = shorter(SLOWEST_PING, options.grace().multipliedBy(2).dividedBy(5));
    this.renewEvery = options.timeout().dividedBy(3);
    this.pings = new Pings(database, calls);
    this.looks = new Looks(database, calls, this, watches, services, syncs, events);
    this.thread = new Thread(this::run, "pgkeeper-session");
    thread.setDaemon(true);
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
    Backoff backoff = new Backoff(options.operationTimeout());
    OwnConnection opened = null;
    Moment sent = Moment.now();
    while (id == 0) {
      try {
        opened = ownConnections == null ? null : openOwn(ownConnections);
        own = opened;
        sent = Moment.now();
        SessionCalls.Opened opening;
        if (opened == null) {
          ownConnections = null;
          opening = database.read(calls.sessionOpen(options, false));
        } else {
          opening = opened.call(calls.sessionOpen(options, true));
          opened.listen(opening.channel());
        }
        channel = opening.channel();
        id = opening.id();
      } catch (KeeperException.ConnectionLoss e) {
        dropOwn();
        if (!backoff.pause()) {
          throw e;
        }
      } catch (RuntimeException | Error e) {
        dropOwn();
        throw e;
      }
    }
    pinged = sent;
    renewed = sent;
    believe();
    long now = System.nanoTime();
    nextPing = now + pingEvery.toNanos();
    nextRenewal = now + renewEvery.toNanos();
    database.useSession(id, () -> refused = true);
    thread.setName("pgkeeper-session-" + id);
    thread.start();
    looks.start(hearsRings() ? options.sweep() : shorter(POLL, options.sweep()));
  }

  /**
   * The client's own connection if rings reach it, null (with one warning that says why) if only
   * polling will do.
   */
  private @Nullable OwnConnection openOwn(ConnectionSource source) {
    OwnConnection opened = OwnConnection.open(source, options.grace());
    try {
      String probe = options.schema() + ":probe:" + Long.toHexString(new SecureRandom().nextLong());
      opened.listen(probe);
      database.read(calls.notify(probe, "probe"));
      // A pooler may forward what it hears, and have each statement done by another backend.
      boolean heard =
          !opened.await(LISTEN_PROBE).isEmpty() && opened.call(calls.listensHere(probe));
      opened.unlisten(probe);
      if (heard) {
        return opened;
      }
    } catch (KeeperException e) {
      opened.close();
      throw e;
    }
    opened.close();
    log.warn(
        "LISTEN does not reach this client, probably because of a pooler in transaction mode between it and the"
            + " server. It goes on without a connection of its own: changes are polled for, and a killed process"
            + " loses what it owns after {} instead of {}. Give KeeperOptions.withListener a direct connection.",
        options.timeout(),
        options.grace());
    return null;
  }

  public long id() {
    return id;
  }

  public SessionState state() {
    return state;
  }

  public Watches watches() {
    return watches;
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
    return new KeeperHealth(
        id, now, now == told ? since : lastContact, lastContact, ping, own != null);
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
   * The same for something of the session's that ends at its limit at the latest; null: it has
   * none.
   */
  public Duration heldFor(@Nullable Duration limit) {
    return limit == null ? heldFor() : shorter(heldFor(), limit);
  }

  /** Whether changes are rung, and so paths have to be registered. */
  public boolean hearsRings() {
    return ownConnections != null;
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

  // The thread.

  private void run() {
    while (!state.isTerminal()) {
      try {
        if (ownConnections == null) {
          poll();
        } else if (own == null) {
          reconnect(ownConnections);
        } else {
          listen(own);
        }
      } catch (KeeperException e) {
        broken(e);
      } catch (RuntimeException | Error e) {
        log.error("session {}: unexpected failure", id, e);
        broken(e);
      }
    }
    dropOwn();
  }

  private void listen(OwnConnection connection) {
    long now = System.nanoTime();
    long due = Math.min(Math.min(nextPing, nextRenewal), reaper.dueAt());
    List<String> rung = connection.await(Duration.ofNanos(Math.max(0, due - now)));
    if (belief.left().isZero()) {
      become(SessionState.JEOPARDY);
    }
    hear(rung);
    now = System.nanoTime();
    Alone overtook = renewedAlone.getAndSet(null);
    if (overtook != null && overtook.way() > attachedWay) {
      reattach(connection);
    } else if (now - nextRenewal >= 0) {
      renew(connection);
    } else if (now - nextPing >= 0) {
      ping(connection);
    }
    if (now - reaper.dueAt() >= 0) {
      reaper.takeDue();
    }
  }

  private void ping(OwnConnection connection) {
    Moment sent = Moment.now();
    SessionCalls.Ping ping = connection.call(calls.sessionPing(id));
    if (!ping.alive() && !attach(connection)) {
      lost(connection::call);
      return;
    }
    pinged = sent;
    nextPing = System.nanoTime() + pingEvery.toNanos();
    believe();
    become(SessionState.HELD);
    if (ping.tick() != null) {
      reaper.takeTick(ping.tick());
    }
  }

  /** What was asked for through the pool was done after the connection had come back. */
  private void reattach(OwnConnection connection) {
    if (!attach(connection)) {
      lost(connection::call);
    }
  }

  private void renew(OwnConnection connection) {
    Moment sent = Moment.now();
    if (!connection.call(calls.sessionRenew(id))) {
      lost(connection::call);
      return;
    }
    pinged = sent;
    renewed = sent;
    nextRenewal = System.nanoTime() + renewEvery.toNanos();
    believe();
    become(SessionState.HELD);
  }

  private void believe() {
    Moment byLease = Objects.requireNonNull(renewed).plus(options.timeout());
    Moment byPing = Objects.requireNonNull(pinged).plus(beliefAfterAPing());
    lastContact = Instant.now();
    belief.extendTo(hearsRings() && !alone && byPing.isBefore(byLease) ? byPing : byLease);
  }

  private Duration beliefAfterAPing() {
    return options.grace().multipliedBy(3).dividedBy(4);
  }

  /**
   * Hands each ring on to whoever looks at what it names. Everybody in the database can ring, so
   * what nobody here waits for is nothing.
   */
  private void hear(List<String> rung) {
    Set<String> concerned = new LinkedHashSet<>();
    Set<String> asked = new LinkedHashSet<>();
    for (String payload : rung) {
      if (syncs.isAwaited(payload)) {
        asked.add(payload);
      } else if (payload.equals(ENDED)) {
        hastenPing();
      } else {
        services.rung(payload);
        if (Paths.isOne(payload)) { // what is rung for a place in a line has more in it
          watches.hint(payload);
          if (!watches.isEmpty()) {
            concerned.addAll(watches.concernedBy(payload));
          }
        }
      }
    }
    if (!concerned.isEmpty() || !asked.isEmpty()) {
      looks.rung(concerned, asked);
    }
  }

  /** Somebody says that there is something to hear; not more often than that is worth asking. */
  private void hastenPing() {
    long soonest = Objects.requireNonNull(pinged).plus(SHORTEST_PING).nanos();
    if (soonest - nextPing < 0) {
      nextPing = soonest;
    }
  }

  private void reconnect(ConnectionSource source) {
    long pause =
        failures == 0
            ? 0
            : Math.min((alone ? POLL : SLOWEST_RECONNECT).toMillis(), 10L << Math.min(failures, 7))
                + ThreadLocalRandom.current().nextLong(20);
    LockSupport.parkNanos(Duration.ofMillis(pause).toNanos());
    goOnAlone();
    if (state.isTerminal()) {
      return;
    }
    OwnConnection connection = OwnConnection.open(source, options.grace());
    own = connection;
    connection.listen(channel);
    if (!connection.call(calls.listensHere(channel))) {
      throw new KeeperException.ConnectionLoss(
          "there is a pooler in transaction mode on the way of the client's own connection", null);
    }
    Moment sent = Moment.now();
    if (!attach(connection)) {
      lost(connection::call);
      return;
    }
    pinged = sent;
    renewed = sent;
    if (alone) {
      alone = false;
      looks.sweep(options.sweep());
    }
    long now = System.nanoTime();
    nextPing = now + pingEvery.toNanos();
    nextRenewal = now + renewEvery.toNanos();
    attachments.incrementAndGet();
    believe();
    Duration away = Duration.ofNanos(now - brokeAt);
    log.info("session {}: connected again after {} ms", id, away.toMillis());
    failures = 0;
    become(SessionState.HELD);
    observation.reconnected(id, away);
    looks.returned();
  }

  /**
   * Has the connection count again. From the moment on when that is asked for, and whether or not
   * the answer comes, the session may end a grace after the connection does: the client believes no
   * longer, and asks to go on alone before that.
   */
  private boolean attach(OwnConnection connection) {
    Moment sent = Moment.now();
    belief.limitTo(sent.plus(beliefAfterAPing()));
    nextRenewal = sent.nanos();
    attachedWay = ways.incrementAndGet();
    return connection.call(calls.sessionAttach(id, attachedWay));
  }

  /**
   * Has the lease renewed through the pool, on another thread: where the database is away, a pool
   * may wait for long, and the own connection must not.
   */
  private void goOnAlone() {
    Alone confirmed = renewedAlone.getAndSet(null);
    if (confirmed != null && confirmed.way() > attachedWay) {
      if (!alone) {
        alone = true;
        log.warn(
            "session {}: its own connection cannot be opened, and the pool's can: changes are polled for until it is",
            id);
        looks.sweep(POLL);
      }
      renewed = confirmed.sent();
      nextRenewal = System.nanoTime() + renewEvery.toNanos();
      believe();
      become(SessionState.HELD);
      looks.returned();
    } else if (failures > FAILURES_BEFORE_ALONE
        && System.nanoTime() - nextRenewal >= 0
        && renewsAlone.compareAndSet(false, true)) {
      background.execute(this::renewAlone);
    }
  }

  private void renewAlone() {
    try {
      Moment sent = Moment.now();
      long way = ways.incrementAndGet();
      if (database.readOnce(calls.sessionRenewAlone(id, way))) {
        renewedAlone.set(new Alone(sent, way));
      } else {
        lost(database::readOnce);
      }
    } catch (KeeperException e) {
      log.debug("session {}: it cannot be renewed through the pool either", id, e);
    } finally {
      renewsAlone.set(false);
    }
  }

  /** One second of a client without a connection of its own: at most one statement. */
  private void poll() {
    Duration step = shorter(POLL, renewEvery.dividedBy(2));
    LockSupport.parkNanos(step.toNanos());
    if (state.isTerminal()) {
      return;
    }
    if (belief.left().isZero()) {
      become(SessionState.JEOPARDY);
    }
    long now = System.nanoTime();
    if (now - nextRenewal >= 0 || state == SessionState.JEOPARDY) {
      Moment sent = Moment.now();
      if (!database.readOnce(calls.sessionRenew(id))) {
        lost(database::readOnce);
        return;
      }
      boolean wasAway = failures > 0;
      renewed = sent;
      nextRenewal = System.nanoTime() + renewEvery.toNanos();
      failures = 0;
      believe();
      become(SessionState.HELD);
      if (wasAway) {
        looks.returned();
      }
    } else if (now - nextLeaseReap >= 0) {
      nextLeaseReap = Long.MAX_VALUE;
      tookLeaseTurn = true;
      reaper.takeAnyTick();
    } else if (nextLeaseReap == Long.MAX_VALUE) {
      long sessions = database.readOnce(calls.sessionCount());
      long pause = Reaper.leaseOnlyPause(sessions).toNanos();
      // A fleet that started at one moment does not take its turns at one.
      nextLeaseReap = now + (tookLeaseTurn ? pause : ThreadLocalRandom.current().nextLong(pause));
    }
  }

  private void broken(Throwable e) {
    if (state.isTerminal()) {
      return;
    }
    if (failures++ == 0) {
      brokeAt = System.nanoTime();
      nextRenewal = brokeAt; // by whichever way it can be done
      log.warn(
          "session {}: the connection is gone and will be opened again: {}", id, e.getMessage());
    } else {
      log.debug("session {}: attempt {} to connect failed", id, failures, e);
    }
    dropOwn();
    if (!alone || belief.left().isZero()) {
      become(SessionState.JEOPARDY);
    }
  }

  private void dropOwn() {
    OwnConnection connection = own;
    own = null;
    if (connection != null) {
      try {
        connection.close();
      } catch (KeeperException e) {
        log.debug("session {}: closing a broken connection", id, e);
      }
    }
  }

  private void lost(Caller caller) {
    if (!become(SessionState.LOST)) {
      return;
    }
    whenLost.run();
    try {
      caller.call(calls.sessionEnding(id)).ifPresent(ended -> ending = ended.told());
    } catch (KeeperException e) {
      log.debug("session {}: nobody says how it ended", id, e);
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

  private boolean become(SessionState next) {
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
      watches.tellState(next);
      for (Consumer<SessionState> listener : stateListeners) {
        events.tell(() -> listener.accept(next));
      }
      return true;
    } finally {
      stateLock.unlock();
    }
  }

  // What callers ask for.

  /**
   * Registers for a subtree; every change from here on will be rung for, or is seen by a look that
   * is taken now.
   */
  public void registerSubtree(String root) {
    registerUnread(root, Watches.RECURSIVE);
  }

  private void registerUnread(String path, String kind) {
    if (!hearsRings()) {
      return;
    }
    long horizon = database.read(calls.watchUnread(id, new Watches.Registration(path, kind)));
    long deadline = System.nanoTime() + LONGEST_SETTLING.toNanos();
    while (!database.read(calls.watchIsSettled(horizon)) && System.nanoTime() - deadline < 0) {
      LockSupport.parkNanos(1_000_000);
    }
  }

  public Map<String, Seen> lookAtSubtree(String root) {
    return database.read(calls.watchSubtree(root));
  }

  /**
   * Changes whenever the client's own connection was opened again: registrations before that may be
   * gone.
   */
  public long attachments() {
    return attachments.get();
  }

  public void registerAgain(String path, String kind) {
    database.read(calls.watchAgain(id, List.of(new Watches.Registration(path, kind))));
    looks.look(database::read, List.of(path));
  }

  /** Begins to hint; every change from here on will be rung for, or is seen by a look taken now. */
  public void beginHints(Hinted one) {
    long attachment = attachments();
    watches.leave(one);
    try {
      registerUnread(one.root(), one.kind());
    } catch (RuntimeException e) {
      watches.takeBack(one);
      throw e;
    }
    if (attachment != attachments()) {
      registerAgain(one.root(), one.kind());
      watches.hintAnywhere();
    }
  }

  /** Waits until everything that was rung before has been told to this client's watchers. */
  public void sync() {
    ensureUsable();
    try {
      if (hearsRings()) {
        Syncs.Sync sync = syncs.begin();
        try {
          database.read(calls.notify(channel, sync.payload()));
          if (!sync.heard().await(options.operationTimeout().toMillis(), TimeUnit.MILLISECONDS)) {
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
        watches.hintAnywhere();
        looks.lookAtAll(database::read);
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
            ownConnections == null ? options.timeout() : options.grace(),
            e.getMessage());
      }
    }
    LockSupport.unpark(thread);
    try {
      reaper.stop();
      looks.stop(LONGEST_LAST_LOOK);
      thread.join(1000);
      if (thread.isAlive()) {
        OwnConnection connection = own;
        if (connection != null) {
          connection.abort();
        }
        thread.join(1000);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (KeeperException e) {
      log.debug("session {}: closing", id, e);
    }
  }
}
