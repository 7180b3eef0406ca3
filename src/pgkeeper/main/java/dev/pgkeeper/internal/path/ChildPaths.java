package dev.pgkeeper.internal.path;

/** Paths of children and parents, the root's included. */
public final class ChildPaths {
  private ChildPaths() {}

  /** What the paths of all that is below a node begin with. */
  public static String prefix(String parent) {
    return parent.equals("/") ? parent : parent + "/";
  }

  public static String of(String parent, String name) {
    return prefix(parent) + name;
  }

  public static String parent(String child) {
    return child.substring(0, Math.max(1, child.lastIndexOf('/')));
  }
}
