package dev.pgkeeper.recipes;

/** Paths of children and parents, the root's included. */
final class ChildPaths {
  private ChildPaths() {}

  /** What the paths of all that is below a node begin with. */
  static String prefix(String parent) {
    return parent.equals("/") ? parent : parent + "/";
  }

  static String of(String parent, String name) {
    return prefix(parent) + name;
  }

  static String parent(String child) {
    return child.substring(0, Math.max(1, child.lastIndexOf('/')));
  }
}
