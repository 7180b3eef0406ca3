package dev.pgkeeper.internal.watch;

import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.session.ClientSession;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/** What a session's watches have registered in the database, so that it is rung for them. */
public final class WatchRegistrations {
  private static final Duration LONGEST_SETTLING = Duration.ofMillis(200);

  private final ClientSession session;
  private final Database database;
  private final WatchCalls calls;
  private final Watches watches;
  private final WatchLooks looks;

  WatchRegistrations(
      ClientSession session,
      Database database,
      WatchCalls calls,
      Watches watches,
      WatchLooks looks) {
    this.session = session;
    this.database = database;
    this.calls = calls;
    this.watches = watches;
    this.looks = looks;
  }

  /**
   * Registers for a subtree; every change from here on will be rung for, or is seen by a look that
   * is taken now.
   */
  public void registerSubtree(String root) {
    registerUnread(root, Watches.RECURSIVE);
  }

  private void registerUnread(String path, String kind) {
    if (!session.hearsRings()) {
      return;
    }
    long horizon =
        database.read(calls.watchUnread(session.id(), new Watches.Registration(path, kind)));
    long deadline = System.nanoTime() + LONGEST_SETTLING.toNanos();
    while (!database.read(calls.watchIsSettled(horizon)) && System.nanoTime() - deadline < 0) {
      LockSupport.parkNanos(1_000_000);
    }
  }

  public Map<String, Seen> lookAtSubtree(String root) {
    return database.read(calls.watchSubtree(root));
  }

  /** What the session was told of its connection before this may be forgotten; see there. */
  public long attachments() {
    return session.attachments();
  }

  /** The server may have forgotten a registration that was made just before it crashed. */
  public void registerAgain(String path, String kind) {
    database.read(calls.watchAgain(session.id(), List.of(new Watches.Registration(path, kind))));
    looks.look(database::read, List.of(path));
  }

  /** Begins to hint; every change from here on will be rung for, or is seen by a look taken now. */
  public void beginHints(Hinted one) {
    long attachment = attachments();
    watches.add(one);
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
}
