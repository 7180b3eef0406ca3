package dev.pgkeeper.recipes;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.Node;
import dev.pgkeeper.Read;
import dev.pgkeeper.ReadResult;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.Tree;
import dev.pgkeeper.WatchMode;
import dev.pgkeeper.WatchedEvent;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A node's children with their data, as they were last read. A watch of the subtree, in one session
 * after the other, says what to look at; what is there is then read, the list of children and those
 * that are said to have changed in one round trip. Nothing is forgotten while the database is away.
 */
final class Children implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Children.class);
  private static final int READ_AT_ONCE = 1000;
  private static final long PAUSE_MS = 1000;

  private final String path;
  private final String below;
  private final Consumer<SortedMap<String, Node>> changed;
  private final Steps steps;
  private final ReentrantLock lock = new ReentrantLock();
  private final Subscription sessions;

  // Guarded by the lock, which is held while they are read, so that no two readings cross.
  private SortedMap<String, Node> known = new TreeMap<>();
  private @Nullable Following following;

  /**
   * Has read them when this returns.
   *
   * @param changed told of them by their names whenever they differ from before, one call at a
   *     time; it should not block
   */
  Children(Keeper keeper, String path, Consumer<SortedMap<String, Node>> changed) {
    this.path = path;
    this.below = ChildPaths.prefix(path);
    this.changed = changed;
    this.steps = new Steps("pgkeeper-children " + path);
    this.sessions = keeper.inEachSession(this::begin);
  }

  /** What is there now. */
  static SortedMap<String, Node> read(Keeper keeper, String path) {
    return read(keeper.tree(), path, Map.of(), Set.of());
  }

  private Following begin(Keeper keeper) {
    Following next = new Following(keeper);
    lock.lock();
    try {
      following = next;
      become(read(keeper.tree(), path, Map.of(), Set.copyOf(known.keySet())));
      return next;
    } catch (RuntimeException | Error e) {
      next.close();
      throw e;
    } finally {
      lock.unlock();
    }
  }

  private void become(SortedMap<String, Node> now) {
    if (!now.equals(known)) {
      known = now;
      changed.accept(Collections.unmodifiableSortedMap(now));
    }
  }

  /** What is there, given what is known and what of it is in doubt. */
  private static SortedMap<String, Node> read(
      Tree tree, String path, Map<String, Node> known, Set<String> inDoubt) {
    SortedMap<String, Node> found = new TreeMap<>(known);
    found.keySet().removeAll(inDoubt);
    Set<String> unread = inDoubt;
    do {
      List<String> now = unread.stream().limit(READ_AT_ONCE).toList();
      List<Read> reads = new ArrayList<>();
      reads.add(Read.children(path));
      now.forEach(name -> reads.add(Read.node(ChildPaths.of(path, name))));
      List<ReadResult> results = tree.readAll(reads);
      for (int i = 0; i < now.size(); i++) {
        Node node = results.get(i + 1).node();
        if (node != null) {
          found.put(now.get(i), node);
        }
      }
      List<String> names = results.get(0).children();
      unread = names == null ? Set.of() : new TreeSet<>(names);
      found.keySet().retainAll(unread);
      unread = without(unread, found.keySet());
    } while (!unread.isEmpty());
    return found;
  }

  private static Set<String> without(Set<String> names, Set<String> others) {
    Set<String> rest = new TreeSet<>(names);
    rest.removeAll(others);
    return rest;
  }

  @Override
  public void close() {
    sessions.close();
  }

  /** The watch in one session, and the readings that it leads to. */
  private final class Following implements AutoCloseable {
    private final Keeper keeper;
    private final Set<String> inDoubt = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean due = new AtomicBoolean();
    private final Watching watching;

    Following(Keeper keeper) {
      this.keeper = keeper;
      this.watching =
          Watching.begin(keeper, path, WatchMode.PERSISTENT_RECURSIVE, event -> hear(event));
    }

    private void hear(WatchedEvent event) {
      String at = event.path();
      if (at == null) {
        return; // of the session, after which everything is looked at
      }
      if (at.startsWith(below)) {
        String name = at.substring(below.length());
        int end = name.indexOf('/');
        inDoubt.add(end < 0 ? name : name.substring(0, end));
      }
      readSoon();
    }

    private void readSoon() {
      if (!due.getAndSet(true)) {
        steps.run(this::readAgain);
      }
    }

    private void readAgain() {
      due.set(false);
      Set<String> now = new TreeSet<>(inDoubt);
      inDoubt.removeAll(now);
      lock.lock();
      try {
        if (following == this) {
          become(read(keeper.tree(), path, known, now));
        }
      } catch (RuntimeException e) {
        inDoubt.addAll(now);
        if (!keeper.state().isTerminal()) {
          log.warn("{}: is read again in {} ms: {}", path, PAUSE_MS, e.getMessage());
          CompletableFuture.delayedExecutor(PAUSE_MS, TimeUnit.MILLISECONDS)
              .execute(this::readSoon);
        }
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void close() {
      lock.lock();
      try {
        if (following == this) {
          following = null;
        }
      } finally {
        lock.unlock();
      }
      watching.close();
    }
  }
}
