package dev.pgkeeper.internal.session;

import dev.pgkeeper.KeeperException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that keeps a session: it renews the lease, finds out when the session has ended, and
 * says what the client may believe. There are two ways, for clients with a connection of their own
 * and without one.
 *
 * <p>What the client may believe. The database ends a session in two cases: its lease ran out, or
 * its connection was found gone and stayed away for the grace (R__03_sessions.sql). So a client
 * believes in its session until the earlier of these:
 *
 * <ul>
 *   <li>three quarters of the grace after it sent the last ping that was answered, on the
 *       connection that holds its liveness lock: the database cannot have suspected it before that
 *       ping;
 *   <li>the timeout after it sent the last renewal that was answered: the session ends a third of
 *       the timeout later at the earliest, since its lease is longer by so much, or by that less
 *       the grace where a suspicion comes first, and by a twelfth at least.
 * </ul>
 *
 * <p>Only this thread moves the state between held and jeopardy; what ends the session may also be
 * found by a caller, and closes it from any thread. Once the state is terminal, the thread ends.
 */
abstract class Heartbeat {
  private static final Logger log = LoggerFactory.getLogger(Heartbeat.class);
  private static final long LONGEST_JOIN_MS = 1000;

  /** How often a client looks that hears nothing. */
  static final Duration POLL = Duration.ofSeconds(1);

  final ClientSession session;
  final SessionParts parts;
  final Duration renewEvery;
  private final Thread thread;

  private volatile Instant lastContact = Instant.now();

  // Only the thread uses these.

  /** When the last renewal was sent that was answered. */
  Moment renewed;

  long nextRenewal;

  /** How often in a row it could not be done. */
  int failures;

  Heartbeat(ClientSession session, SessionParts parts, Moment opened) {
    this.session = session;
    this.parts = parts;
    this.renewEvery = parts.options().timeout().dividedBy(3);
    this.renewed = opened;
    this.nextRenewal = System.nanoTime() + renewEvery.toNanos();
    this.thread = new Thread(this::run, "pgkeeper-session-" + session.id());
    thread.setDaemon(true);
  }

  /** One step: waits for what comes next, and sees to it. */
  abstract void beat();

  /** How long the client may believe, from its last answered messages on. */
  abstract Moment believedUntil();

  /** Whether changes are rung, and so paths have to be registered. */
  abstract boolean hearsRings();

  /** Whether it hears of changes at this moment. */
  abstract boolean listens();

  /**
   * Changes whenever the client's own connection was opened again: registrations before that may be
   * gone.
   */
  abstract long attachments();

  /** A step failed; it is tried again. */
  abstract void broken(Throwable why);

  /** Lets go of what the thread alone uses. */
  abstract void release();

  /** Breaks off what the thread waits for. */
  abstract void abort();

  void start() {
    believe();
    thread.start();
  }

  /** When the database last confirmed the session. */
  Instant lastContact() {
    return lastContact;
  }

  private void run() {
    while (!session.state().isTerminal()) {
      try {
        beat();
      } catch (KeeperException e) {
        tell(e);
      } catch (RuntimeException | Error e) {
        log.error("session {}: unexpected failure", session.id(), e);
        tell(e);
      }
    }
    release();
  }

  private void tell(Throwable why) {
    if (!session.state().isTerminal()) {
      broken(why);
    }
  }

  final void believe() {
    lastContact = Instant.now();
    parts.belief().extendTo(believedUntil());
  }

  /** The lease was renewed by what was sent at that moment. */
  final void renewedAt(Moment sent) {
    renewed = sent;
    nextRenewal = System.nanoTime() + renewEvery.toNanos();
  }

  /** Returns once the thread has ended, or after two seconds. */
  final void stop() throws InterruptedException {
    LockSupport.unpark(thread);
    thread.join(LONGEST_JOIN_MS);
    if (thread.isAlive()) {
      abort();
      thread.join(LONGEST_JOIN_MS);
    }
  }
}
