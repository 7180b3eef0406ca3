package dev.pgkeeper.lock;

import dev.pgkeeper.Held;
import dev.pgkeeper.internal.session.Sessions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What each thread acquired itself and still has, by keeper and name. Something that it handed on
 * counts as its own until it is released.
 */
final class ThreadHolds {
  private record Key(Sessions sessions, String name) {}

  private static final ThreadLocal<Map<Key, List<Held>>> OWN = new ThreadLocal<>();

  private ThreadHolds() {}

  /** What this thread has under this name, last acquired first. */
  static List<Held> of(Sessions sessions, String name) {
    Map<Key, List<Held>> own = OWN.get();
    if (own == null) {
      return List.of();
    }
    own.values().forEach(holds -> holds.removeIf(held -> held.state().isTerminal()));
    own.values().removeIf(List::isEmpty);
    if (own.isEmpty()) {
      OWN.remove();
    }
    return List.copyOf(own.getOrDefault(new Key(sessions, name), List.of()));
  }

  /** Notes that this thread acquired something. */
  static <H extends Held> H add(Sessions sessions, String name, H held) {
    Map<Key, List<Held>> own = OWN.get();
    if (own == null) {
      own = new HashMap<>();
      OWN.set(own);
    }
    own.computeIfAbsent(new Key(sessions, name), key -> new ArrayList<>()).add(0, held);
    return held;
  }
}
