package dev.pgkeeper.internal.session;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import dev.pgkeeper.internal.observe.Observation;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends the sessions of others whose time is over, when it is this client's turn (see session_ping).
 * On a borrowed connection and another thread: it may wait for a flush, and the session's own pings
 * may not.
 */
final class Reaper {
  private static final Logger log = LoggerFactory.getLogger(Reaper.class);
  private static final int REAPED_AT_ONCE = 50;
  private static final int PRUNED_AT_ONCE = 1000;
  private static final int MOST_ROUNDS = 100;
  private static final long TICKS_BETWEEN_NODES = 16;
  private static final long TICKS_BETWEEN_TIDYING = 256;
  private static final Duration LEAST_LEASE_ONLY = Duration.ofSeconds(10);
  private static final Duration MOST_LEASE_ONLY = Duration.ofMinutes(10);

  private final Database database;
  private final SessionCalls calls;
  private final Observation observation;
  private final Executor background;

  /** A turn is under way, on whichever thread: another one would do the same again. */
  private final AtomicBoolean busy = new AtomicBoolean();

  /** By whoever closes the session: a turn ends after its present statement. */
  private volatile boolean stopped;

  private volatile long dueAt = Long.MAX_VALUE;

  Reaper(Database database, SessionCalls calls, Observation observation, Executor background) {
    this.observation = observation;
    this.database = database;
    this.calls = calls;
    this.background = background;
  }

  /** When a suspicion that this client came across is ripe, by {@link System#nanoTime}. */
  long dueAt() {
    return dueAt;
  }

  /** Looks at ripe suspicions now. */
  void takeDue() {
    dueAt = Long.MAX_VALUE;
    takeTick(1); // a number for which sessions are reaped, and nothing else
  }

  /** Takes the turn of this number; some turns do more than others. */
  void takeTick(long number) {
    if (busy.compareAndSet(false, true)) {
      background.execute(() -> reap(number));
    }
  }

  /**
   * How long a client without a connection of its own waits for its next turn. Nobody tells it
   * whose turn it is; so that a fleet of them costs no more than one, each waits a second for every
   * session there is.
   */
  static Duration leaseOnlyPause(long sessions) {
    Duration shared = Duration.ofSeconds(sessions);
    if (shared.compareTo(LEAST_LEASE_ONLY) < 0) {
      return LEAST_LEASE_ONLY;
    }
    return shared.compareTo(MOST_LEASE_ONLY) > 0 ? MOST_LEASE_ONLY : shared;
  }

  /** Such a turn: any number may come up. */
  void takeAnyTick() {
    // Of as many numbers, as often for each kind of turn as of consecutive ones.
    takeTick(ThreadLocalRandom.current().nextLong(1 << 20));
  }

  /** A turn that is under way ends with its present statement. */
  void stop() {
    stopped = true;
  }

  /**
   * A few at a time, each time in a transaction of its own: who wants one of them waits for no
   * longer than that.
   */
  private int inRounds(int most, SqlFunction<Integer> round) {
    int all = 0;
    for (int rounds = 0; rounds < MOST_ROUNDS && !stopped; rounds++) {
      int done = database.readOnce(round);
      all += done;
      if (done < most) {
        break;
      }
    }
    return all;
  }

  private void lookAgainIn(@Nullable Long ms) {
    if (ms != null) {
      dueAt = System.nanoTime() + Duration.ofMillis(Math.max(1, ms)).toNanos();
    }
  }

  private void reap(long number) {
    try {
      AtomicInteger holds = new AtomicInteger();
      int sessions =
          inRounds(
              REAPED_AT_ONCE,
              connection -> {
                SessionCalls.Reaped reaped = calls.reap(REAPED_AT_ONCE).apply(connection);
                holds.addAndGet(reaped.holds());
                lookAgainIn(reaped.nextMs());
                return reaped.sessions();
              });
      if (sessions > 0) {
        log.info("ended {} sessions whose time was over", sessions);
      }
      int nodes = 0;
      if (number % TICKS_BETWEEN_NODES == 0) {
        nodes = inRounds(REAPED_AT_ONCE, calls.reapNodes(REAPED_AT_ONCE));
        inRounds(PRUNED_AT_ONCE, calls.pruneHistory(PRUNED_AT_ONCE));
      }
      observation.reaped(sessions, holds.get(), nodes);
      if (number % TICKS_BETWEEN_TIDYING == 0 && !stopped) {
        database.readOnce(calls.tidy());
      }
    } catch (KeeperException e) {
      log.debug("this tick of the reaper failed, another client takes the next one", e);
    } finally {
      busy.set(false);
    }
  }
}
