package dev.pgkeeper.internal.watch;

import dev.pgkeeper.SessionState;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.path.Paths;
import dev.pgkeeper.internal.session.Caller;
import dev.pgkeeper.internal.session.ClientSession;
import dev.pgkeeper.internal.session.EventThread;
import dev.pgkeeper.internal.session.SessionService;
import dev.pgkeeper.tree.NodeSums;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Looks at what a session watches: at what it was rung for, at everything in a sweep, and at
 * everything once the connection is back. {@link Watches} makes events of what differs.
 */
public final class WatchLooks implements SessionService {
  private static final int AT_ONCE = 2000;
  private static final int LARGE_SUBTREE = 500;
  private static final int MOST_PATHS = 10_000;

  private final ClientSession session;
  private final Watches watches;
  private final WatchCalls calls;
  private final WatchRegistrations registrations;
  private final EventThread events;
  private final ReentrantLock lock = new ReentrantLock();

  /** What was rung for and not looked at yet; guarded by the lock. */
  private Rung rung = new Rung();

  /** Paths that were rung for. */
  private static final class Rung {
    final Set<String> paths = new LinkedHashSet<>();

    /** There were too many paths to keep them: look at everything that is watched. */
    boolean everything;

    /** When the first of it was heard of; {@link System#nanoTime}, and 0 for nothing yet. */
    long heardAt;

    boolean isNothing() {
      return paths.isEmpty() && !everything;
    }

    /** Anybody can ring for any path, so not all of them are kept. */
    void add(Collection<String> more, long at) {
      if (isNothing()) {
        heardAt = at;
      }
      paths.addAll(more);
      if (paths.size() > MOST_PATHS) {
        paths.clear();
        everything = true;
      }
    }
  }

  /**
   * Looks for a session that is yet to be opened.
   *
   * @param patience of whoever looks
   */
  public WatchLooks(Database database, ClientSession session, Duration patience) {
    this.session = session;
    this.events = session.events();
    this.watches = new Watches(events, session::state);
    this.calls = new WatchCalls(database.schema(), patience);
    this.registrations = new WatchRegistrations(session, database, calls, watches, this);
    session.accompany(this);
  }

  public Watches watches() {
    return watches;
  }

  public WatchRegistrations registrations() {
    return registrations;
  }

  @Override
  public void rung(String payload) {
    if (!Paths.isOne(payload)) { // What is rung for a place in a line has more in it.
      return;
    }
    watches.hint(payload);
    if (!watches.isEmpty()) {
      List<String> concerned = watches.concernedBy(payload);
      if (!concerned.isEmpty()) {
        add(concerned, System.nanoTime());
      }
    }
  }

  private void add(Collection<String> paths, long heardAt) {
    lock.lock();
    try {
      rung.add(paths, heardAt);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean isBehind() {
    lock.lock();
    try {
      return !rung.isNothing() || watches.isToLookAgain();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void look(Caller caller) {
    Rung now = take();
    events.beginRing(now.heardAt);
    boolean done = false;
    try {
      if (now.everything) {
        lookAtAll(caller);
      }
      look(caller, new ArrayList<>(now.paths));
      done = true;
    } finally {
      events.endRing();
      if (!done) {
        putBack(now);
      }
    }
  }

  private Rung take() {
    lock.lock();
    try {
      List<String> again = watches.takeLookAgain();
      if (!again.isEmpty()) {
        rung.add(again, System.nanoTime());
      }
      Rung taken = rung;
      rung = new Rung();
      return taken;
    } finally {
      lock.unlock();
    }
  }

  /** What was not looked at comes before what was rung for meanwhile. */
  private void putBack(Rung unseen) {
    lock.lock();
    try {
      unseen.add(rung.paths, rung.heardAt);
      unseen.everything |= rung.everything;
      rung = unseen;
    } finally {
      lock.unlock();
    }
  }

  /** Compares these paths with the database, and tells what differs; on any thread. */
  void look(Caller caller, List<String> paths) {
    inParts(
        paths,
        some -> {
          long look = watches.beginLook();
          Map<String, Seen> states = caller.call(calls.watchStates(some));
          some.forEach(path -> watches.saw(path, states.getOrDefault(path, Seen.ABSENT), look));
        });
  }

  private static <T> void inParts(List<T> all, Consumer<List<T>> action) {
    for (int from = 0; from < all.size(); from += AT_ONCE) {
      action.accept(all.subList(from, Math.min(all.size(), from + AT_ONCE)));
    }
  }

  private void lookAtAll(Caller caller) {
    look(caller, watches.allPaths());
    for (String root : watches.allTrees()) {
      if (!isUnchanged(caller, root)) {
        long look = watches.beginLook();
        watches.sawAll(root, caller.call(calls.watchSubtree(root)), look);
      }
    }
  }

  /** Of a large subtree three sums tell it. */
  private boolean isUnchanged(Caller caller, String root) {
    NodeSums known = watches.sumsOf(root);
    if (known == null || known.nodes() < LARGE_SUBTREE) {
      return false;
    }
    NodeSums there = caller.call(calls.nodeSums(root));
    return there.nodes() == known.nodes()
        && there.czxids() == known.czxids()
        && there.mzxids() == known.mzxids();
  }

  @Override
  public void catchUp(Caller caller) {
    watches.hintAnywhere();
    lookAtAll(caller);
  }

  @Override
  public boolean isIdle() {
    return watches.isEmpty() && watches.hintsNobody();
  }

  /** Looks at everything, and forgets what nobody waits for. */
  @Override
  public void sweep(Caller caller) {
    forget(caller, watches.takeIdle());
    watches.hintSweep();
    lookAtAll(caller);
  }

  private void forget(Caller caller, List<Watches.Registration> idle) {
    if (idle.isEmpty() || !session.hearsRings()) {
      return;
    }
    caller.call(calls.watchForget(session.id(), idle));
    List<Watches.Registration> stillWanted = watches.stillWanted(idle);
    if (!stillWanted.isEmpty()) {
      caller.call(calls.watchAgain(session.id(), stillWanted));
    }
  }

  /** Rings were lost, and perhaps registrations. */
  @Override
  public void returned(Caller caller) {
    if (session.hearsRings()) {
      inParts(
          watches.allRegistrations(), some -> caller.call(calls.watchAgain(session.id(), some)));
    }
    catchUp(caller);
  }

  @Override
  public void told(SessionState state) {
    watches.tellState(state);
  }
}
