package dev.pgkeeper.internal.path;

import dev.pgkeeper.InvalidPathException;
import dev.pgkeeper.tree.NewNode;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The rules for paths: ZooKeeper's, and a limit to their length. */
public final class Paths {
  /** So that a path fits into the entries of an index and into a notification. */
  private static final int LONGEST_BYTES = 2000;

  private static final int LONGEST_NUMBER = 20;

  private Paths() {}

  /** Returns the path if a node can have it. */
  public static String check(@Nullable String path) {
    return check(path, "", LONGEST_BYTES);
  }

  /** Checks the path of a sequential node, which a number will be appended to. */
  public static String checkSequential(@Nullable String path) {
    return check(path, "1", LONGEST_BYTES - LONGEST_NUMBER);
  }

  /** Whether a node can have this path. */
  public static boolean isOne(String text) {
    return text.length() <= LONGEST_BYTES
        && brokenRule(text) == null
        && text.getBytes(StandardCharsets.UTF_8).length <= LONGEST_BYTES;
  }

  private static String check(@Nullable String path, String appended, int longestBytes) {
    if (path == null) {
      throw new InvalidPathException("null", "a path is needed");
    }
    String broken = brokenRule(path + appended);
    if (broken == null) {
      int bytes = path.getBytes(StandardCharsets.UTF_8).length;
      broken =
          bytes > longestBytes ? bytes + " bytes are more than the limit of " + longestBytes : null;
    }
    if (broken != null) {
      throw new InvalidPathException(path, broken);
    }
    return path;
  }

  private static @Nullable String brokenRule(String path) {
    if (path.isEmpty()) {
      return "it is empty";
    } else if (path.charAt(0) != '/') {
      return "it has to start with /";
    } else if (path.length() == 1) {
      return null;
    } else if (path.charAt(path.length() - 1) == '/') {
      return "it ends with /";
    }
    int segment = 1;
    for (int i = 1; i <= path.length(); i++) {
      char c = i == path.length() ? '/' : path.charAt(i);
      if (c == '/') {
        if (i == segment) {
          return "it has an empty part at " + i;
        }
        String part = path.substring(segment, i);
        if (part.equals(".") || part.equals("..")) {
          return "it has a relative part \"" + part + "\" at " + segment;
        }
        segment = i + 1;
      } else if (c <= '\u001f'
          || c >= '\u007f' && c <= '\u009f'
          || c >= '\ud800' && c <= '\uf8ff'
          || c >= '\ufff0') {
        return String.format("it has a character that is not allowed, U+%04X at %d", (int) c, i);
      }
    }
    return null;
  }

  /** Where a path seen from a root really is. */
  public static String under(String chroot, String path) {
    if (chroot.equals("/")) {
      return path;
    }
    return path.equals("/") ? chroot : chroot + path;
  }

  /** Where a new node goes: a sequential one named / is a numbered child of the root. */
  public static String under(String chroot, NewNode node) {
    boolean child = node.path().equals("/") && node.mode().isSequential();
    return child && !chroot.equals("/") ? chroot + "/" : under(chroot, node.path());
  }

  /** How a path that really is there is seen from a root. */
  public static String from(String chroot, String path) {
    if (chroot.equals("/")) {
      return path;
    }
    return path.length() == chroot.length() ? "/" : path.substring(chroot.length());
  }
}
