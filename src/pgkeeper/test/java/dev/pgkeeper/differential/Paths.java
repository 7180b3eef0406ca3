package dev.pgkeeper.differential;

import java.util.ArrayList;
import java.util.List;
import org.apache.zookeeper.common.PathUtils;

/** Arithmetic of paths that are known to be good. */
final class Paths {

  private Paths() {}

  /** The path of a child. */
  static String join(String parent, String name) {
    return parent.equals("/") ? "/" + name : parent + "/" + name;
  }

  /** The path that a client with this chroot knows as {@code path}. */
  static String absolute(String chroot, String path) {
    return chroot.equals("/") ? path : path.equals("/") ? chroot : chroot + path;
  }

  /** The path of the parent; a root is its own. */
  static String parent(String path) {
    int slash = path.lastIndexOf('/');
    return slash <= 0 ? "/" : path.substring(0, slash);
  }

  static String name(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  /** The nodes above, without the root, from the highest on. */
  static List<String> ancestors(String path) {
    List<String> ancestors = new ArrayList<>();
    for (int slash = path.indexOf('/', 1); slash > 0; slash = path.indexOf('/', slash + 1)) {
      ancestors.add(path.substring(0, slash));
    }
    return ancestors;
  }

  /** Whether the path is the node or below it. */
  static boolean isWithin(String path, String root) {
    return root.equals("/") || path.equals(root) || path.startsWith(root + "/");
  }

  /** Whether the path can be that of a node: a sequential node may be asked for by others. */
  static boolean isReadable(String path) {
    try {
      PathUtils.validatePath(path);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /** A path for a report, with what cannot be printed spelt out. */
  static String shown(String path) {
    StringBuilder shown = new StringBuilder();
    for (char c : path.toCharArray()) {
      if (c > ' ' && c < 0x7f) {
        shown.append(c);
      } else {
        shown.append(String.format("\\u%04x", (int) c));
      }
    }
    return shown.isEmpty() ? "\"\"" : shown.toString();
  }
}
