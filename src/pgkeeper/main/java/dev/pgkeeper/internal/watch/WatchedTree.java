package dev.pgkeeper.internal.watch;

import dev.pgkeeper.tree.EventType;
import dev.pgkeeper.tree.NodeSums;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A node that is watched with everything below it: who waits, and every node that was last seen
 * there.
 */
final class WatchedTree {
  final String root;
  final Set<Subscriber> subscribers = new LinkedHashSet<>();

  /** How many registrations are under way. */
  int expected;

  private final TreeMap<String, Known> known = new TreeMap<>();

  /** Of all that is known; without the children's changes, which are not all looked at. */
  private NodeSums sums = NodeSums.NONE;

  private boolean looked;
  private long wholeSeenAt;

  /** When a node was last seen to be gone: a look at the whole from before may still show it. */
  private long removedAt;

  private record Known(Seen seen, long seenAt) {
    static final Known NOTHING = new Known(Seen.ABSENT, 0);
  }

  record Event(EventType type, String path, long zxid) {}

  WatchedTree(String root) {
    this.root = root;
  }

  /** What the database's sums are if nothing was missed; null before the first look. */
  @Nullable NodeSums sums() {
    return looked ? sums : null;
  }

  boolean isIdle() {
    return subscribers.isEmpty() && expected == 0;
  }

  boolean covers(String path) {
    return root.equals("/")
        || path.startsWith(root)
            && (path.length() == root.length() || path.charAt(root.length()) == '/');
  }

  /**
   * Whether a look at one path says something; if not, it overlapped with another and is to be
   * taken again.
   */
  boolean accepts(String path, Seen now, long look) {
    Known before = known.getOrDefault(path, Known.NOTHING);
    return looked
        && look > wholeSeenAt
        && (look > before.seenAt
            || now.isPresent() && before.seen.isPresent()
            || now.equals(before.seen));
  }

  /** Moves to a look at one node that was accepted. If it is gone, so is all below it. */
  List<Event> moveTo(String path, Seen now, long look, long appliedAt) {
    List<Event> events = new ArrayList<>(2);
    Known before = known.getOrDefault(path, Known.NOTHING);
    if (now.isPresent()) {
      replace(path, before, now, look, appliedAt, events);
    } else if (before.seen.isPresent()) {
      List<String> gone = new ArrayList<>();
      gone.add(path);
      gone.addAll(below(path).keySet());
      remove(gone, appliedAt, events);
    }
    return events;
  }

  /**
   * Moves to a look at everything: first what is gone, each node before its parent, then what is
   * new or changed, by its number. What was looked at alone in the meantime is added to {@code
   * overlapping} instead.
   */
  List<Event> moveTo(Map<String, Seen> whole, long look, long appliedAt, Set<String> overlapping) {
    List<Event> events = new ArrayList<>();
    List<String> missing = new ArrayList<>();
    known.forEach(
        (path, before) -> {
          if (!whole.containsKey(path)) {
            (look > before.seenAt ? missing : overlapping).add(path);
          }
        });
    boolean mayShowTheGone = look <= removedAt;
    remove(missing, appliedAt, events);
    List<Event> changed = new ArrayList<>();
    whole.forEach(
        (path, now) -> {
          Known before = known.getOrDefault(path, Known.NOTHING);
          if (!before.seen.isPresent() && mayShowTheGone) {
            overlapping.add(path);
          }
          replace(path, before, now, look, appliedAt, changed);
        });
    changed.sort(Comparator.comparingLong(Event::zxid));
    events.addAll(changed);
    wholeSeenAt = appliedAt;
    boolean first = !looked;
    looked = true;
    return first ? List.of() : events;
  }

  private void replace(
      String path, Known last, Seen now, long look, long appliedAt, List<Event> events) {
    Seen before = last.seen;
    if (look <= last.seenAt && now.isOlderThan(before)) {
      return;
    }
    known.put(path, new Known(now, appliedAt));
    if (before.isPresent()) {
      sums = sums.minus(before.czxid(), before.mzxid(), 0);
    }
    sums = sums.plus(now.czxid(), now.mzxid(), 0);
    for (EventType type : WatchedPath.difference(before, now)) {
      if (type != EventType.NODE_CHILDREN_CHANGED) {
        long zxid = type == EventType.NODE_DATA_CHANGED ? now.mzxid() : now.czxid();
        events.add(new Event(type, path, zxid));
      }
    }
  }

  /** Forgets these, which come in the order of their paths, from the last to the first. */
  private void remove(List<String> paths, long appliedAt, List<Event> events) {
    if (!paths.isEmpty()) {
      removedAt = appliedAt;
    }
    for (int i = paths.size() - 1; i >= 0; i--) {
      Seen gone = known.remove(paths.get(i)).seen;
      sums = sums.minus(gone.czxid(), gone.mzxid(), 0);
      events.add(new Event(EventType.NODE_DELETED, paths.get(i), 0));
    }
  }

  private NavigableMap<String, Known> below(String path) {
    return path.equals("/")
        ? known.tailMap("/", false)
        : known.subMap(path + "/", true, path + "0", false);
  }
}
