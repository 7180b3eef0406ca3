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

  /** Somebody rang for this path, for this one or for somebody else. */
  void rung(String path) {
    boolean atRoot = path.equals(root);
    if (scope == Scope.NODE) {
      if (atRoot || isChild(path)) {
        listener.somewhere(seenFrom.apply(root));
      }
    } else if (atRoot && scope == Scope.CHILDREN) {
      listener.anywhere();
    } else if (atRoot || (scope == Scope.CHILDREN ? isChild(path) : isBelow(path))) {
      listener.somewhere(seenFrom.apply(path));
    }
  }

  private boolean isBelow(String path) {
    return root.equals("/")
        || path.length() > root.length()
            && path.startsWith(root)
            && path.charAt(root.length()) == '/';
  }

  private boolean isChild(String path) {
    return isBelow(path) && path.lastIndexOf('/') == (root.equals("/") ? 0 : root.length());
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
