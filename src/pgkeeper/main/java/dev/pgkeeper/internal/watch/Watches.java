package dev.pgkeeper.internal.watch;

import dev.pgkeeper.SessionState;
import dev.pgkeeper.internal.session.EventThread;
import dev.pgkeeper.tree.EventType;
import dev.pgkeeper.tree.NodeSums;
import dev.pgkeeper.tree.WatchKind;
import dev.pgkeeper.tree.WatchedEvent;
import dev.pgkeeper.tree.Watcher;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a client watches. State is the truth: whoever looked at a path hands in what was there,
 * whether a read of the caller's, a look after a ring, a sweep or a reconnect; what differs from
 * the look before becomes events. Nothing here counts notifications, so nothing depends on how many
 * arrive.
 *
 * <p>A look that was begun after the last one was finished is the later one, whatever it found: a
 * database that has lost its end, by a promotion, shows a node as it was before. Others can have
 * overtaken each other. Between them a node's numbers decide, which only grow; a look that found
 * nothing has none, and the path is looked at again.
 *
 * <p>The lock guards memory only; nobody waits for the database under it. Events are handed to the
 * event thread under it, so that they are heard in the order in which they were found.
 */
public final class Watches {
  /** The kinds of registrations, as the database spells them. */
  public static final String NODE = "n";

  public static final String CHILDREN = "c";
  public static final String PERSISTENT = "p";
  public static final String RECURSIVE = "r";

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, WatchedPath> paths = new HashMap<>();
  private final Map<String, WatchedTree> trees = new HashMap<>();

  /**
   * Paths whose looks overtook each other, so that none of them decides. Without another look, what
   * was found would stand until the sweep.
   */
  private final Set<String> lookAgain = new LinkedHashSet<>();

  /** Those who look for themselves; the lock guards what the database is told of them. */
  private final List<Hinted> hinted = new CopyOnWriteArrayList<>();

  /** Registrations of those that are no longer hinted. */
  private final Set<Registration> leftBehind = new LinkedHashSet<>();

  /** Orders looks: each takes a number when it begins and another one when it is handed in. */
  private final AtomicLong clock = new AtomicLong();

  private final EventThread events;
  private final Supplier<SessionState> state;

  /** Nothing is watched. Written under the lock, read without it by every call of the tree. */
  private volatile boolean empty = true;

  public Watches(EventThread events, Supplier<SessionState> state) {
    this.events = events;
    this.state = state;
  }

  /** To be asked before a look is taken; hand it in with what was seen. */
  public long beginLook() {
    return clock.incrementAndGet();
  }

  /**
   * Whether nothing is watched at all: the quick way past everything for those who do not use
   * watches.
   */
  public boolean isEmpty() {
    return empty;
  }

  public boolean isWatched(String path) {
    if (empty) {
      return false;
    }
    lock.lock();
    try {
      return paths.containsKey(path) || trees.values().stream().anyMatch(tree -> tree.covers(path));
    } finally {
      lock.unlock();
    }
  }

  /**
   * Announces a watch, so that no ring between its look and its {@code add…} is dropped and the
   * path is not forgotten. To be followed by one of those, or by {@link #giveUp}. Returns whether
   * the database has yet to be told to ring for it.
   */
  public boolean expect(String path, String kind) {
    lock.lock();
    try {
      empty = false;
      if (kind.equals(RECURSIVE)) {
        trees.computeIfAbsent(path, WatchedTree::new).expected++;
        return true;
      }
      WatchedPath watched = paths.computeIfAbsent(path, WatchedPath::new);
      watched.expected++;
      return !watched.registered.contains(kind);
    } finally {
      lock.unlock();
    }
  }

  /** The announced registration failed. */
  public void giveUp(String path, String kind) {
    lock.lock();
    try {
      if (kind.equals(RECURSIVE)) {
        trees.computeIfPresent(path, (root, tree) -> expectedLess(tree));
      } else {
        paths.computeIfPresent(path, (key, watched) -> expectedLess(watched));
      }
    } finally {
      lock.unlock();
    }
  }

  private static WatchedTree expectedLess(WatchedTree tree) {
    tree.expected--;
    return tree;
  }

  private static WatchedPath expectedLess(WatchedPath watched) {
    watched.expected--;
    return watched;
  }

  /** A look at a path, by whomever. */
  public void saw(String path, Seen now, long look) {
    if (empty) {
      return;
    }
    lock.lock();
    try {
      move(path, now, look);
    } finally {
      lock.unlock();
    }
  }

  private void move(String path, Seen now, long look) {
    Findings findings = new Findings();
    moveOne(path, now, look, findings);
    for (WatchedTree tree : trees.values()) {
      boolean goneWithIt = !now.isPresent() && tree.root.startsWith(path + "/");
      if (!goneWithIt && !tree.covers(path)) {
        continue;
      }
      String at = goneWithIt ? tree.root : path;
      if (!tree.accepts(at, now, look)) {
        lookAgain.add(at);
        continue;
      }
      for (WatchedTree.Event event : tree.moveTo(at, now, look, clock.incrementAndGet())) {
        findings.add(event.type(), event.path(), tree.subscribers);
        if (!event.path().equals(path)) {
          moveOne(event.path(), Seen.ABSENT, look, findings);
        }
      }
    }
    findings.tell();
  }

  private void moveOne(String path, Seen now, long look, Findings findings) {
    WatchedPath watched = paths.get(path);
    if (watched == null) {
      return;
    }
    if (watched.accepts(now, look)) {
      for (WatchedPath.Event event : watched.moveTo(now, clock.incrementAndGet())) {
        findings.add(event.type(), path, event.subscribers());
      }
    } else if (!watched.isAt(now)) {
      lookAgain.add(path);
    }
  }

  /**
   * Leaves a one-shot watch after a look. If the path was seen to move on in the meantime, it is
   * told at once.
   */
  public void add(String path, String kind, Subscriber subscriber, Seen seen, long look) {
    lock.lock();
    try {
      WatchedPath watched = registered(path, kind, seen, look);
      Seen latest = watched.seen == null ? seen : watched.seen;
      if (latest.isPresent() != seen.isPresent()) {
        watched.late.add(new WatchedPath.Late(subscriber, kind, seen));
        lookAgain.add(path);
        return;
      }
      EventType missed = WatchedPath.missedBy(kind, seen, latest);
      if (missed == null) {
        watched.waiting(kind).add(subscriber);
      } else {
        tell(subscriber, missed, path);
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * The path was registered and looked at, but there is nobody to tell: a read that failed for want
   * of a node.
   */
  public void noteRegistered(String path, String kind, Seen seen, long look) {
    lock.lock();
    try {
      registered(path, kind, seen, look);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Leaves a watch that is not used up, after a look. It is told of all that was seen to come after
   * that look, also of what came before this call.
   */
  public void addPersistent(String path, Subscriber subscriber, Seen seen, long look) {
    lock.lock();
    try {
      WatchedPath watched = registered(path, PERSISTENT, seen, look);
      if (watched.persistent.contains(subscriber)) {
        return; // It has been told already.
      }
      Seen latest = watched.seen == null ? seen : watched.seen;
      if (latest.isPresent() != seen.isPresent()) {
        watched.late.add(new WatchedPath.Late(subscriber, PERSISTENT, seen));
        lookAgain.add(path);
        return;
      }
      watched.persistent.add(subscriber);
      for (EventType missed : WatchedPath.difference(seen, latest)) {
        tell(subscriber, missed, path);
      }
    } finally {
      lock.unlock();
    }
  }

  private WatchedPath registered(String path, String kind, Seen seen, long look) {
    WatchedPath watched = paths.computeIfAbsent(path, WatchedPath::new);
    watched.registered.add(kind);
    watched.expected--;
    watched.idleSweeps = 0;
    move(path, seen, look);
    return watched;
  }

  /** Leaves a watch on a whole subtree, after a look at all of it. */
  public void addRecursive(String root, Subscriber subscriber, Map<String, Seen> seen, long look) {
    lock.lock();
    try {
      WatchedTree tree = trees.computeIfAbsent(root, WatchedTree::new);
      tree.expected--;
      move(tree, seen, look);
      tree.subscribers.add(subscriber);
    } finally {
      lock.unlock();
    }
  }

  /**
   * The sums of what was last seen of a subtree, without those of its children's changes; null if
   * it is not watched, or was not looked at yet.
   */
  public @Nullable NodeSums sumsOf(String root) {
    lock.lock();
    try {
      WatchedTree tree = trees.get(root);
      return tree == null ? null : tree.sums();
    } finally {
      lock.unlock();
    }
  }

  /** A look at everything below a path. */
  public void sawAll(String root, Map<String, Seen> seen, long look) {
    lock.lock();
    try {
      WatchedTree tree = trees.get(root);
      if (tree != null) {
        move(tree, seen, look);
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * What is found in one subtree is found for every other watch of the same nodes too, so that it
   * is told once.
   */
  private void move(WatchedTree tree, Map<String, Seen> seen, long look) {
    Findings findings = new Findings();
    for (WatchedTree.Event event : tree.moveTo(seen, look, clock.incrementAndGet(), lookAgain)) {
      String path = event.path();
      Seen now = seen.getOrDefault(path, Seen.ABSENT);
      findings.add(event.type(), path, tree.subscribers);
      moveOne(path, now, look, findings);
      for (WatchedTree other : trees.values()) {
        if (other != tree && other.covers(path) && other.accepts(path, now, look)) {
          for (WatchedTree.Event same : other.moveTo(path, now, look, clock.incrementAndGet())) {
            findings.add(same.type(), same.path(), other.subscribers);
          }
        }
      }
    }
    findings.tell();
  }

  /** Takes a watch back. Returns false if there was none. */
  public boolean takeBack(String path, WatchKind kind, Subscriber subscriber) {
    lock.lock();
    try {
      boolean any = false;
      WatchedPath watched = paths.get(path);
      if (watched != null) {
        any |= kind != WatchKind.CHILDREN && watched.node.remove(subscriber);
        any |= kind != WatchKind.DATA && watched.children.remove(subscriber);
        any |= kind == WatchKind.ANY && watched.persistent.remove(subscriber);
        any |=
            watched.late.removeIf(
                one -> one.subscriber().equals(subscriber) && isTakenBackAs(kind, one.kind()));
      }
      WatchedTree tree = trees.get(path);
      if (tree != null && kind == WatchKind.ANY) {
        any |= tree.subscribers.remove(subscriber);
      }
      return any;
    } finally {
      lock.unlock();
    }
  }

  private static boolean isTakenBackAs(WatchKind kind, String registered) {
    return switch (registered) {
      case CHILDREN -> kind != WatchKind.DATA;
      case NODE -> kind != WatchKind.CHILDREN;
      default -> kind == WatchKind.ANY;
    };
  }

  /**
   * Takes back all watches of a kind that were left from the same root. Returns false if there was
   * none.
   */
  public boolean takeBackAll(String path, WatchKind kind, String chroot) {
    lock.lock();
    try {
      Set<Subscriber> all = new LinkedHashSet<>();
      WatchedPath watched = paths.get(path);
      if (watched != null) {
        all.addAll(watched.everybody());
      }
      WatchedTree tree = trees.get(path);
      if (tree != null) {
        all.addAll(tree.subscribers);
      }
      boolean any = false;
      for (Subscriber subscriber : all) {
        any |= subscriber.chroot().equals(chroot) && takeBack(path, kind, subscriber);
      }
      return any;
    } finally {
      lock.unlock();
    }
  }

  // Hints: for those who look for themselves, nothing is remembered here.

  /** From now on, and until {@link #takeBack(Hinted)}; to be registered by the caller. */
  public void add(Hinted one) {
    lock.lock();
    try {
      hinted.add(one);
    } finally {
      lock.unlock();
    }
  }

  public void takeBack(Hinted one) {
    lock.lock();
    try {
      if (hinted.remove(one)) {
        leftBehind.add(registrationOf(one));
      }
    } finally {
      lock.unlock();
    }
  }

  private static Registration registrationOf(Hinted one) {
    return new Registration(one.root(), one.kind());
  }

  /** Whether there is nobody to hint, and nothing to forget. */
  public boolean hintsNobody() {
    lock.lock();
    try {
      return hinted.isEmpty() && leftBehind.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /** Somebody rang for this path. */
  public void hint(String path) {
    for (Hinted one : hinted) {
      if (one.rung(path)) {
        events.tell(one::tell);
      }
    }
  }

  /** Rings may have been lost. */
  public void hintAnywhere() {
    for (Hinted one : hinted) {
      if (one.rungAnywhere()) {
        events.tell(one::tell);
      }
    }
  }

  /** It is time for a sweep. */
  public void hintSweep() {
    for (Hinted one : hinted) {
      events.tell(one.listener()::sweep);
    }
  }

  /** The paths to look at after a ring for this one, in the order in which their events are due. */
  public List<String> concernedBy(String path) {
    lock.lock();
    try {
      List<String> concerned = new ArrayList<>(2);
      boolean covered = trees.values().stream().anyMatch(tree -> tree.covers(path));
      if (covered || paths.containsKey(path)) {
        concerned.add(path);
      }
      String above = path.lastIndexOf('/') == 0 ? "/" : path.substring(0, path.lastIndexOf('/'));
      if (paths.containsKey(above)) {
        concerned.add(above);
      }
      return concerned;
    } finally {
      lock.unlock();
    }
  }

  /** Every path that is watched, for a sweep. */
  public List<String> allPaths() {
    lock.lock();
    try {
      return new ArrayList<>(paths.keySet());
    } finally {
      lock.unlock();
    }
  }

  /** Every subtree that is watched, for a sweep. */
  public List<String> allTrees() {
    lock.lock();
    try {
      return new ArrayList<>(trees.keySet());
    } finally {
      lock.unlock();
    }
  }

  /** Whether there are paths whose looks overtook each other. */
  boolean isToLookAgain() {
    if (empty) {
      return false;
    }
    lock.lock();
    try {
      return !lookAgain.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /** The paths whose looks overtook each other; they are to be looked at once more. */
  public List<String> takeLookAgain() {
    if (empty) {
      return List.of();
    }
    lock.lock();
    try {
      List<String> again = new ArrayList<>(lookAgain);
      lookAgain.clear();
      return again;
    } finally {
      lock.unlock();
    }
  }

  /** A registration in the database. */
  public record Registration(String path, String kind) {}

  public List<Registration> allRegistrations() {
    lock.lock();
    try {
      List<Registration> all = new ArrayList<>();
      paths
          .values()
          .forEach(
              path -> path.registered.forEach(kind -> all.add(new Registration(path.path, kind))));
      trees.keySet().forEach(root -> all.add(new Registration(root, RECURSIVE)));
      hinted.forEach(one -> all.add(registrationOf(one)));
      return all;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Forgets what nobody has waited for since the sweep before last, and returns it to be forgotten
   * by the database too.
   */
  public List<Registration> takeIdle() {
    lock.lock();
    try {
      List<Registration> idle = new ArrayList<>();
      paths
          .values()
          .removeIf(
              watched -> {
                watched.idleSweeps = watched.isIdle() ? watched.idleSweeps + 1 : 0;
                boolean forget = watched.idleSweeps > 1;
                if (forget) {
                  watched.registered.forEach(
                      kind -> idle.add(new Registration(watched.path, kind)));
                }
                return forget;
              });
      trees
          .values()
          .removeIf(
              tree -> {
                boolean forget = tree.isIdle();
                if (forget) {
                  idle.add(new Registration(tree.root, RECURSIVE));
                }
                return forget;
              });
      empty = paths.isEmpty() && trees.isEmpty();
      for (Registration left : leftBehind) {
        boolean watched =
            left.kind().equals(RECURSIVE)
                ? trees.containsKey(left.path())
                : paths.containsKey(left.path());
        if (!watched && !idle.contains(left)) {
          idle.add(left);
        }
      }
      leftBehind.clear();
      idle.removeIf(left -> hinted.stream().anyMatch(one -> registrationOf(one).equals(left)));
      return idle;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Of those that the database has just forgotten, the ones to tell it again: somebody may have
   * registered in the meantime and found the old registration still there.
   */
  public List<Registration> stillWanted(List<Registration> forgotten) {
    lock.lock();
    try {
      return forgotten.stream()
          .filter(
              registration ->
                  (registration.kind().equals(RECURSIVE) ? trees : paths)
                          .containsKey(registration.path())
                      || hinted.stream().anyMatch(one -> registrationOf(one).equals(registration)))
          .toList();
    } finally {
      lock.unlock();
    }
  }

  /** Tells every watcher once that the session's state changed. */
  public void tellState(SessionState now) {
    lock.lock();
    try {
      Set<Watcher> all = Collections.newSetFromMap(new IdentityHashMap<>());
      for (WatchedPath path : paths.values()) {
        path.everybody().forEach(subscriber -> all.add(subscriber.watcher()));
      }
      trees
          .values()
          .forEach(tree -> tree.subscribers.forEach(subscriber -> all.add(subscriber.watcher())));
      WatchedEvent event = new WatchedEvent(EventType.NONE, now, null);
      all.forEach(watcher -> events.tell(() -> watcher.process(event)));
      if (now.isTerminal()) {
        paths.clear();
        trees.clear();
        hinted.clear();
        leftBehind.clear();
        empty = true;
      }
    } finally {
      lock.unlock();
    }
  }

  /** What one look found; who watches a path in several ways is told once. */
  private final class Findings {
    private record Found(EventType type, String path) {}

    private final Map<Found, Set<Subscriber>> all = new LinkedHashMap<>();

    void add(EventType type, String path, Collection<Subscriber> subscribers) {
      all.computeIfAbsent(new Found(type, path), found -> new LinkedHashSet<>())
          .addAll(subscribers);
    }

    void tell() {
      all.forEach(
          (found, subscribers) ->
              subscribers.forEach(
                  subscriber -> Watches.this.tell(subscriber, found.type(), found.path())));
    }
  }

  private void tell(Subscriber subscriber, EventType type, String path) {
    SessionState now = state.get();
    events.tell(() -> subscriber.tell(type, now, path));
  }
}
