package dev.pgkeeper.internal.watch;

import dev.pgkeeper.tree.EventType;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One path that is watched: what was last seen of it, who waits, and for what the database will
 * ring.
 */
final class WatchedPath {
  final String path;

  /** Told once, of the node's creation, deletion or change of data. */
  final Set<Subscriber> node = new LinkedHashSet<>();

  /** Told once, of the node's deletion or a change of its children. */
  final Set<Subscriber> children = new LinkedHashSet<>();

  /** Told of everything, until taken back. */
  final Set<Subscriber> persistent = new LinkedHashSet<>();

  /** Left after a look that overlapped with another; where they belong, the next look tells. */
  final List<Late> late = new ArrayList<>();

  /** The kinds that are registered in the database: n, c, p. */
  final Set<String> registered = new LinkedHashSet<>();

  /** Null until the first look. */
  @Nullable Seen seen;

  /**
   * When the look that set {@code seen} was handed in, by the clock of {@link Watches}: a look that
   * was begun later is the later one.
   */
  long seenAt;

  /** How many sweeps have found nobody waiting. */
  int idleSweeps;

  /** How many registrations are under way. */
  int expected;

  /** A watch and what its own look saw. */
  record Late(Subscriber subscriber, String kind, Seen saw) {
    List<Subscriber> alone() {
      return List.of(subscriber);
    }
  }

  /** An event and those who are told. */
  record Event(EventType type, Collection<Subscriber> subscribers) {}

  WatchedPath(String path) {
    this.path = path;
  }

  boolean isIdle() {
    return expected == 0 && everybody().isEmpty();
  }

  /** Whether a look says something new; if not, it is older, or overlapped with the last one. */
  boolean accepts(Seen now, long look) {
    Seen before = seen;
    return before == null
        || look > seenAt
        || now.isPresent() && before.isPresent() && !now.isOlderThan(before);
  }

  /** Whether a look that was not accepted needs no other. */
  boolean isAt(Seen now) {
    Seen before = seen;
    return before != null && (now.equals(before) || now.isOlderThan(before));
  }

  /**
   * The events that lead from what was seen to this, in order; those who are told once are taken
   * off.
   */
  List<Event> moveTo(Seen now, long appliedAt) {
    Seen before = seen;
    seen = now;
    seenAt = appliedAt;
    List<Event> events = new ArrayList<>(2);
    if (before != null) {
      for (EventType type : difference(before, now)) {
        Set<Subscriber> told = new LinkedHashSet<>();
        switch (type) {
          case NODE_CREATED, NODE_DATA_CHANGED -> take(node, told);
          case NODE_CHILDREN_CHANGED -> take(children, told);
          default -> {
            take(node, told);
            take(children, told);
          }
        }
        told.addAll(persistent);
        if (!told.isEmpty()) {
          events.add(new Event(type, told));
        }
      }
    }
    for (Late one : late) {
      if (one.kind.equals(Watches.PERSISTENT)) {
        difference(one.saw, now).forEach(type -> events.add(new Event(type, one.alone())));
        persistent.add(one.subscriber);
        continue;
      }
      EventType missed = missedBy(one.kind, one.saw, now);
      if (missed == null) {
        waiting(one.kind).add(one.subscriber);
      } else {
        events.add(new Event(missed, one.alone()));
      }
    }
    late.clear();
    return events;
  }

  /** Those who are told once of this kind. */
  Set<Subscriber> waiting(String kind) {
    return kind.equals(Watches.CHILDREN) ? children : node;
  }

  Set<Subscriber> everybody() {
    Set<Subscriber> all = new LinkedHashSet<>(node);
    all.addAll(children);
    all.addAll(persistent);
    late.forEach(one -> all.add(one.subscriber));
    return all;
  }

  /** What a watch of this kind is told of the way from one look to a later one; null if nothing. */
  static @Nullable EventType missedBy(String kind, Seen looked, Seen latest) {
    for (EventType type : difference(looked, latest)) {
      boolean concerned =
          switch (type) {
            case NODE_DELETED -> true;
            case NODE_CHILDREN_CHANGED -> kind.equals(Watches.CHILDREN);
            default -> kind.equals(Watches.NODE);
          };
      if (concerned) {
        return type;
      }
    }
    return null;
  }

  private static void take(Set<Subscriber> from, Set<Subscriber> to) {
    to.addAll(from);
    from.clear();
  }

  /** What happened to a node between two looks, as far as the looks can tell. */
  static List<EventType> difference(Seen before, Seen now) {
    if (!before.isPresent()) {
      return now.isPresent() ? List.of(EventType.NODE_CREATED) : List.of();
    } else if (!now.isPresent()) {
      return List.of(EventType.NODE_DELETED);
    } else if (before.czxid() != now.czxid()) {
      return List.of(EventType.NODE_DELETED, EventType.NODE_CREATED);
    }
    boolean data = before.mzxid() != now.mzxid();
    boolean children = before.pzxid() != now.pzxid();
    if (data && children) {
      return now.pzxid() < now.mzxid()
          ? List.of(EventType.NODE_CHILDREN_CHANGED, EventType.NODE_DATA_CHANGED)
          : List.of(EventType.NODE_DATA_CHANGED, EventType.NODE_CHILDREN_CHANGED);
    }
    return data
        ? List.of(EventType.NODE_DATA_CHANGED)
        : children ? List.of(EventType.NODE_CHILDREN_CHANGED) : List.of();
  }
}
