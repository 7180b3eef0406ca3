package dev.pgkeeper.internal.session;

import dev.pgkeeper.SessionState;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Of a client without a connection of its own: it has the lease alone, and polls. */
final class PollingHeartbeat extends Heartbeat {
  private static final Logger log = LoggerFactory.getLogger(PollingHeartbeat.class);

  // Only the thread uses these.

  /**
   * When it takes its next turn as a reaper, by {@link System#nanoTime}; the greatest: not known
   * yet.
   */
  private long nextReap = Long.MAX_VALUE;

  private boolean tookTurn;

  PollingHeartbeat(ClientSession session, SessionParts parts, Moment opened) {
    super(session, parts, opened);
  }

  /** One second: at most one statement. */
  @Override
  void beat() {
    Duration half = renewEvery.dividedBy(2);
    LockSupport.parkNanos((half.compareTo(POLL) < 0 ? half : POLL).toNanos());
    if (session.state().isTerminal()) {
      return;
    }
    if (parts.belief().left().isZero()) {
      session.become(SessionState.JEOPARDY);
    }
    long now = System.nanoTime();
    if (now - nextRenewal >= 0 || session.state() == SessionState.JEOPARDY) {
      renew();
    } else if (now - nextReap >= 0) {
      nextReap = Long.MAX_VALUE;
      tookTurn = true;
      parts.reaper().takeAnyTick();
    } else if (nextReap == Long.MAX_VALUE) {
      long sessions = parts.database().readOnce(parts.calls().sessionCount());
      long pause = Reaper.leaseOnlyPause(sessions).toNanos();
      // A fleet that started at one moment does not take its turns at one.
      nextReap = now + (tookTurn ? pause : ThreadLocalRandom.current().nextLong(pause));
    }
  }

  private void renew() {
    Moment sent = Moment.now();
    if (!parts.database().readOnce(parts.calls().sessionRenew(session.id()))) {
      session.lost(parts.database()::readOnce);
      return;
    }
    boolean wasAway = failures > 0;
    renewedAt(sent);
    failures = 0;
    believe();
    session.become(SessionState.HELD);
    if (wasAway) {
      parts.looks().returned();
    }
  }

  @Override
  Moment believedUntil() {
    return renewed.plus(parts.options().timeout());
  }

  @Override
  boolean hearsRings() {
    return false;
  }

  @Override
  boolean listens() {
    return false;
  }

  @Override
  long attachments() {
    return 0;
  }

  @Override
  void broken(Throwable why) {
    if (failures++ == 0) {
      nextRenewal = System.nanoTime();
      log.warn(
          "session {}: cannot reach the database, and tries again: {}",
          session.id(),
          why.getMessage());
    } else {
      log.debug("session {}: attempt {} failed", session.id(), failures, why);
    }
    session.become(SessionState.JEOPARDY);
  }

  @Override
  void release() {}

  @Override
  void abort() {}
}
