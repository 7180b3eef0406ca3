package dev.pgkeeper.internal.watch;

import dev.pgkeeper.tree.HintListener;
import dev.pgkeeper.tree.Scope;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Who is told where something may have changed. Several rings for one place are one hint until that
 * was told. Anybody can ring, so only so many places are kept; if there are more, the hint is that
 * it may be anywhere.
 */
public final class Hinted {
  private static final int MOST_PLACES = 10_000;

  private final Scope scope;
  private final String root;
  private final HintListener listener;
  private final UnaryOperator<String> seenFrom;

  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock: what is to be told.
  private Set<String> places = new LinkedHashSet<>();
  private boolean anywhere;

  /**
   * @param root the path as the database has it
   * @param seenFrom how its listener sees a path
   */
  public Hinted(Scope scope, String root, HintListener listener, UnaryOperator<String> seenFrom) {
    this.scope = scope;
    this.root = root;
    this.listener = listener;
    this.seenFrom = seenFrom;
  }

  public String root() {
    return root;
  }

  HintListener listener() {
    return listener;
  }

  /** The kind of registration by which the database rings for it. */
  public String kind() {
    return scope == Scope.NODE ? Watches.PERSISTENT : Watches.RECURSIVE;
  }

  /**
   * Somebody rang for this path, for this one or for somebody else. Returns whether {@link #tell}
   * is to be called once more.
   */
  boolean rung(String path) {
    String place = placeOf(path);
    if (place == null) {
      return false;
    }
    lock.lock();
    try {
      boolean nothingYet = isNothing();
      if (place.equals(ANYWHERE)) {
        anywhere = true;
      } else if (places.size() < MOST_PLACES) {
        places.add(place);
      } else if (!places.contains(place)) {
        places.clear();
        anywhere = true;
      }
      return nothingYet;
    } finally {
      lock.unlock();
    }
  }

  private static final String ANYWHERE = "";

  /**
   * Rings may have been lost, so it may be anywhere. Returns whether {@link #tell} is to be called
   * once more.
   */
  boolean rungAnywhere() {
    lock.lock();
    try {
      boolean nothingYet = isNothing();
      anywhere = true;
      return nothingYet;
    } finally {
      lock.unlock();
    }
  }

  private boolean isNothing() {
    return places.isEmpty() && !anywhere;
  }

  /** Tells what was rung for since the last time. */
  void tell() {
    Set<String> now;
    boolean everywhere;
    lock.lock();
    try {
      now = places;
      everywhere = anywhere;
      places = new LinkedHashSet<>();
      anywhere = false;
    } finally {
      lock.unlock();
    }
    try {
      now.forEach(place -> listener.somewhere(seenFrom.apply(place)));
    } finally {
      if (everywhere) {
        listener.anywhere();
      }
    }
  }

  /**
   * Where something may have happened; null if that is nothing to this one. Where the scope ends,
   * what happens below a node may still be a matter of its stat, which counts its children.
   */
  private @Nullable String placeOf(String path) {
    if (!path.equals(root) && !isBelow(path)) {
      return null;
    }
    return switch (scope) {
      case NODE -> depth(path) <= 1 ? root : null;
      case CHILDREN -> {
        if (path.equals(root)) {
          yield ANYWHERE;
        } else if (depth(path) > 2) {
          yield null;
        }
        int end = path.indexOf('/', root.equals("/") ? 1 : root.length() + 1);
        yield end < 0 ? path : path.substring(0, end);
      }
      case SUBTREE -> path;
    };
  }

  private boolean isBelow(String path) {
    return root.equals("/")
        || path.length() > root.length()
            && path.startsWith(root)
            && path.charAt(root.length()) == '/';
  }

  /** How many parts a path has below the root. */
  private int depth(String path) {
    if (path.equals(root)) {
      return 0;
    }
    return (int)
        path.substring(root.equals("/") ? 0 : root.length()).chars().filter(c -> c == '/').count();
  }
}
