package dev.pgkeeper.internal.session;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions.ConnectionSource;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.internal.jdbc.OwnConnection;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Of a client with a connection of its own: it pings and renews there, hears the rings there, and
 * connects again when the connection breaks. It waits for nothing else: what was rung for is looked
 * at on another thread ({@link Looks}).
 *
 * <p>After a break it takes its lock on a new connection, clears the suspicion, and only then
 * believes again. While it cannot open its own connection but the pool's work (a new password, a
 * limit of connections, a firewall), it goes on alone: it has the lease, and polls.
 *
 * <p>Both ways may be under way at once, and the database does what arrives last. So each time that
 * one is asked for, that has a number, and a confirmation counts only if nothing was asked for
 * after it.
 */
final class ListeningHeartbeat extends Heartbeat {
  private static final Logger log = LoggerFactory.getLogger(ListeningHeartbeat.class);
  private static final Duration SLOWEST_PING = Duration.ofMillis(800);
  private static final Duration SHORTEST_PING = Duration.ofMillis(20);
  private static final Duration SLOWEST_RECONNECT = Duration.ofMillis(400);
  private static final int FAILURES_BEFORE_ALONE = 3;

  private final ConnectionSource source;
  private final String channel;
  private final Hearing hearing;
  private final Duration pingEvery;

  /** Null while it is broken. Only the thread changes it. */
  private volatile @Nullable OwnConnection own;

  private final AtomicLong attachments = new AtomicLong();

  /** Whether another thread is just renewing the lease through the pool. */
  private final AtomicBoolean renewsAlone = new AtomicBoolean();

  /** Numbers what is said of the client's way: its own connection, or its lease alone. */
  private final AtomicLong ways = new AtomicLong();

  /** A renewal that the database has confirmed through the pool. */
  private record Alone(Moment sent, long way) {}

  /** The last one, until the thread takes it. */
  private final AtomicReference<@Nullable Alone> renewedAlone = new AtomicReference<>();

  // Only the thread uses these.
  private Moment pinged;
  private long nextPing;
  private long brokeAt;

  /** Whether only the lease counts until its own connection is back. */
  private boolean alone;

  /** Of the last time that the own connection was asked to count. */
  private long attachedWay;

  ListeningHeartbeat(
      ClientSession session,
      SessionParts parts,
      Moment opened,
      ConnectionSource source,
      OwnConnection own,
      String channel,
      Hearing hearing) {
    super(session, parts, opened);
    this.source = source;
    this.own = own;
    this.channel = channel;
    this.hearing = hearing;
    // Two pings fit into the three quarters of the grace for which one is believed: one may be
    // lost.
    Duration most = parts.options().grace().multipliedBy(2).dividedBy(5);
    this.pingEvery = most.compareTo(SLOWEST_PING) < 0 ? most : SLOWEST_PING;
    this.pinged = opened;
    this.nextPing = System.nanoTime() + pingEvery.toNanos();
  }

  @Override
  void beat() {
    OwnConnection connection = own;
    if (connection == null) {
      reconnect();
    } else {
      listen(connection);
    }
  }

  // Connected.

  private void listen(OwnConnection connection) {
    long now = System.nanoTime();
    long due = Math.min(Math.min(nextPing, nextRenewal), parts.reaper().dueAt());
    List<String> rung = connection.await(Duration.ofNanos(Math.max(0, due - now)));
    if (parts.belief().left().isZero()) {
      session.become(SessionState.JEOPARDY);
    }
    if (hearing.hear(rung)) {
      hastenPing();
    }
    now = System.nanoTime();
    Alone overtook = renewedAlone.getAndSet(null);
    if (overtook != null && overtook.way() > attachedWay) {
      reattach(connection);
    } else if (now - nextRenewal >= 0) {
      renew(connection);
    } else if (now - nextPing >= 0) {
      ping(connection);
    }
    if (now - parts.reaper().dueAt() >= 0) {
      parts.reaper().takeDue();
    }
  }

  private void ping(OwnConnection connection) {
    Moment sent = Moment.now();
    SessionCalls.Ping ping = connection.call(parts.calls().sessionPing(session.id()));
    if (!ping.alive() && !attach(connection)) {
      session.lost(connection::call);
      return;
    }
    pinged = sent;
    nextPing = System.nanoTime() + pingEvery.toNanos();
    believe();
    session.become(SessionState.HELD);
    if (ping.tick() != null) {
      parts.reaper().takeTick(ping.tick());
    }
  }

  /** What was asked for through the pool was done after the connection had come back. */
  private void reattach(OwnConnection connection) {
    if (!attach(connection)) {
      session.lost(connection::call);
    }
  }

  private void renew(OwnConnection connection) {
    Moment sent = Moment.now();
    if (!connection.call(parts.calls().sessionRenew(session.id()))) {
      session.lost(connection::call);
      return;
    }
    pinged = sent;
    renewedAt(sent);
    believe();
    session.become(SessionState.HELD);
  }

  @Override
  Moment believedUntil() {
    Moment byLease = renewed.plus(parts.options().timeout());
    Moment byPing = pinged.plus(beliefAfterAPing());
    return !alone && byPing.isBefore(byLease) ? byPing : byLease;
  }

  private Duration beliefAfterAPing() {
    return parts.options().grace().multipliedBy(3).dividedBy(4);
  }

  /** Somebody says that there is something to hear; not more often than that is worth asking. */
  private void hastenPing() {
    long soonest = pinged.plus(SHORTEST_PING).nanos();
    if (soonest - nextPing < 0) {
      nextPing = soonest;
    }
  }

  // Broken.

  private void reconnect() {
    long pause =
        failures == 0
            ? 0
            : Math.min((alone ? POLL : SLOWEST_RECONNECT).toMillis(), 10L << Math.min(failures, 7))
                + ThreadLocalRandom.current().nextLong(20);
    LockSupport.parkNanos(Duration.ofMillis(pause).toNanos());
    goOnAlone();
    if (session.state().isTerminal()) {
      return;
    }
    OwnConnection connection = OwnConnection.open(source, parts.options().grace());
    own = connection;
    connection.listen(channel);
    if (!connection.call(parts.calls().listensHere(channel))) {
      throw new KeeperException.ConnectionLoss(
          "the client's own connection goes through a pooler in transaction mode", null);
    }
    Moment sent = Moment.now();
    if (!attach(connection)) {
      session.lost(connection::call);
      return;
    }
    pinged = sent;
    renewedAt(sent);
    if (alone) {
      alone = false;
      parts.looks().sweep(parts.options().sweep());
    }
    long now = System.nanoTime();
    nextPing = now + pingEvery.toNanos();
    attachments.incrementAndGet();
    believe();
    Duration away = Duration.ofNanos(now - brokeAt);
    log.info("session {}: connected again after {} ms", session.id(), away.toMillis());
    failures = 0;
    session.become(SessionState.HELD);
    parts.observation().reconnected(session.id(), away);
    parts.looks().returned();
  }

  /**
   * Has the connection count again. From the moment on when that is asked for, and whether or not
   * the answer comes, the session may end a grace after the connection does: the client believes no
   * longer, and asks to go on alone before that.
   */
  private boolean attach(OwnConnection connection) {
    Moment sent = Moment.now();
    parts.belief().limitTo(sent.plus(beliefAfterAPing()));
    nextRenewal = sent.nanos();
    attachedWay = ways.incrementAndGet();
    return connection.call(parts.calls().sessionAttach(session.id(), attachedWay));
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
            "session {}: cannot open its own connection, although the pool can; polls for changes until it can",
            session.id());
        parts.looks().sweep(POLL);
      }
      renewedAt(confirmed.sent());
      believe();
      session.become(SessionState.HELD);
      parts.looks().returned();
    } else if (failures > FAILURES_BEFORE_ALONE
        && System.nanoTime() - nextRenewal >= 0
        && renewsAlone.compareAndSet(false, true)) {
      parts.background().execute(this::renewAlone);
    }
  }

  private void renewAlone() {
    try {
      Moment sent = Moment.now();
      long way = ways.incrementAndGet();
      if (parts.database().readOnce(parts.calls().sessionRenewAlone(session.id(), way))) {
        renewedAlone.set(new Alone(sent, way));
      } else {
        session.lost(parts.database()::readOnce);
      }
    } catch (KeeperException e) {
      log.debug("session {}: it cannot be renewed through the pool either", session.id(), e);
    } finally {
      renewsAlone.set(false);
    }
  }

  @Override
  void broken(Throwable why) {
    if (failures++ == 0) {
      brokeAt = System.nanoTime();
      nextRenewal = brokeAt; // by whichever way it can be done
      log.warn(
          "session {}: the connection is gone and will be opened again: {}",
          session.id(),
          why.getMessage());
    } else {
      log.debug("session {}: attempt {} to connect failed", session.id(), failures, why);
    }
    release();
    // Alone it believes by its lease, and the connection may be away for as long as that lasts.
    if (!alone || parts.belief().left().isZero()) {
      session.become(SessionState.JEOPARDY);
    }
  }

  @Override
  void release() {
    OwnConnection connection = own;
    own = null;
    if (connection != null) {
      try {
        connection.close();
      } catch (KeeperException e) {
        log.debug("session {}: closing a broken connection", session.id(), e);
      }
    }
  }

  @Override
  void abort() {
    OwnConnection connection = own;
    if (connection != null) {
      connection.abort();
    }
  }

  @Override
  boolean hearsRings() {
    return true;
  }

  @Override
  boolean listens() {
    return own != null;
  }

  @Override
  long attachments() {
    return attachments.get();
  }
}
