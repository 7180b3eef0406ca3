package dev.pgkeeper.internal.queue;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.observe.Observation;
import dev.pgkeeper.internal.session.ClientSession;
import java.time.Duration;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A session as its queues use it: whose they are, how they call the database, and on what threads.
 */
final class QueueSession {
  private static final Logger log = LoggerFactory.getLogger(QueueSession.class);

  private final Database database;
  private final ClientSession session;
  private final QueueCalls calls;
  private final Duration sweep;
  private final Executor background;

  QueueSession(
      Database database, ClientSession session, KeeperOptions options, Executor background) {
    this.database = database;
    this.session = session;
    this.calls = new QueueCalls(database.schema());
    this.sweep = options.sweep();
    this.background = background;
  }

  Database database() {
    return database;
  }

  QueueCalls calls() {
    return calls;
  }

  Observation observation() {
    return session.observation();
  }

  Duration sweep() {
    return sweep;
  }

  long id() {
    return session.id();
  }

  boolean isOver() {
    return session.state().isTerminal();
  }

  boolean isHeld() {
    return session.isHeld();
  }

  void ensureUsable() {
    session.ensureUsable();
  }

  boolean hearsRings() {
    return session.hearsRings();
  }

  /** On another thread; on this one once the keeper is closed. */
  void later(Runnable task) {
    background.execute(task);
  }

  /** Attempts something that another time will do if the database is away. */
  void attemptLater(String what, Runnable task) {
    later(
        () -> {
          try {
            if (!isOver()) {
              task.run();
            }
          } catch (KeeperException e) {
            log.debug("session {}: {} is left to the next sweep", id(), what, e);
          }
        });
  }
}
