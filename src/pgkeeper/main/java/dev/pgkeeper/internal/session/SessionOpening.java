package dev.pgkeeper.internal.session;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.KeeperOptions.ConnectionSource;
import dev.pgkeeper.internal.jdbc.Backoff;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.OwnConnection;
import java.security.SecureRandom;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens a session in the database, on a connection of the client's own if rings reach that. */
final class SessionOpening {
  private static final Logger log = LoggerFactory.getLogger(SessionOpening.class);
  private static final Duration LISTEN_PROBE = Duration.ofSeconds(2);

  private final Database database;
  private final SessionCalls calls;
  private final KeeperOptions options;
  private final @Nullable ConnectionSource source;

  /**
   * @param source where the client's own connection comes from; null: it has the lease alone
   */
  SessionOpening(
      Database database,
      SessionCalls calls,
      KeeperOptions options,
      @Nullable ConnectionSource source) {
    this.database = database;
    this.calls = calls;
    this.options = options;
    this.source = source;
  }

  /**
   * What has been opened.
   *
   * @param own null: only polling will do
   * @param sent when the database was asked for the session
   */
  record Opened(long id, String channel, @Nullable OwnConnection own, Moment sent) {}

  /** Tries for as long as an operation may take. */
  Opened open() {
    Backoff backoff = new Backoff(options.operationTimeout());
    while (true) {
      try {
        OwnConnection own = source == null ? null : openOwn(source);
        return own == null ? openWithout() : openOn(own);
      } catch (KeeperException.ConnectionLoss e) {
        if (!backoff.pause()) {
          throw e;
        }
      }
    }
  }

  private Opened openWithout() {
    Moment sent = Moment.now();
    SessionCalls.Opened opened = database.read(calls.sessionOpen(options, false));
    return new Opened(opened.id(), opened.channel(), null, sent);
  }

  private Opened openOn(OwnConnection own) {
    boolean done = false;
    try {
      Moment sent = Moment.now();
      SessionCalls.Opened opened = own.call(calls.sessionOpen(options, true));
      own.listen(opened.channel());
      done = true;
      return new Opened(opened.id(), opened.channel(), own, sent);
    } finally {
      if (!done) {
        closeQuietly(own);
      }
    }
  }

  private static void closeQuietly(OwnConnection own) {
    try {
      own.close();
    } catch (KeeperException e) {
      log.debug("closing a connection on which no session could be opened", e);
    }
  }

  /** Null, with one warning that says why, if no ring reaches it. */
  private @Nullable OwnConnection openOwn(ConnectionSource from) {
    OwnConnection opened = OwnConnection.open(from, options.grace());
    try {
      String probe = options.schema() + ":probe:" + Long.toHexString(new SecureRandom().nextLong());
      opened.listen(probe);
      boolean rung = database.read(calls.notify(probe, "probe"));
      // A pooler may forward what it hears, and have each statement done by another backend.
      boolean heard =
          (!rung || !opened.await(LISTEN_PROBE).isEmpty()) && opened.call(calls.listensHere(probe));
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
}
