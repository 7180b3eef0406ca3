package dev.pgkeeper.internal.watch;

import dev.pgkeeper.HintListener;
import dev.pgkeeper.Scope;
import java.util.function.UnaryOperator;

/**
 * Who is told where something may have changed; two of them are the same only if they are the same
 * object.
 *
 * @param root the path as the database has it
 * @param seenFrom how its listener sees a path
 */
public record Hinted(
    Scope scope, String root, HintListener listener, UnaryOperator<String> seenFrom) {

  /** The kind of registration by which the database rings for it. */
  public String kind() {
    return scope == Scope.NODE ? Watches.PERSISTENT : Watches.RECURSIVE;
  }

  /**
   * Somebody rang for this path, for this one or for somebody else. Where the scope ends, what
   * happens below a node may still be a matter of its stat, which counts its children.
   */
  void rung(String path) {
    if (!path.equals(root) && !isBelow(path)) {
      return;
    }
    switch (scope) {
      case NODE -> {
        if (depth(path) <= 1) {
          listener.somewhere(seenFrom.apply(root));
        }
      }
      case CHILDREN -> {
        if (path.equals(root)) {
          listener.anywhere();
        } else if (depth(path) <= 2) {
          int end = path.indexOf('/', root.equals("/") ? 1 : root.length() + 1);
          listener.somewhere(seenFrom.apply(end < 0 ? path : path.substring(0, end)));
        }
      }
      case SUBTREE -> listener.somewhere(seenFrom.apply(path));
    }
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

  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }
}
