package dev.pgkeeper.cli.tree;

import dev.pgkeeper.cli.output.Text;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Draws paths as a tree; each path comes right before what is below it. */
final class Branches {
  private final List<String> paths;

  /** The last child of each parent. */
  private final Map<String, String> last = new HashMap<>();

  Branches(List<String> paths) {
    this.paths = paths;
    paths.stream().skip(1).forEach(path -> last.put(parent(path), path));
  }

  /** One for each path: the first whole, the others by name. */
  List<String> lines() {
    List<String> lines = new ArrayList<>();
    for (String path : paths) {
      lines.add(lines.isEmpty() ? Text.harmless(path) : branch(path) + Text.harmless(name(path)));
    }
    return lines;
  }

  private String branch(String path) {
    Deque<String> parts = new ArrayDeque<>();
    parts.push(isLast(path) ? "└─ " : "├─ ");
    for (String above = parent(path); !above.equals(paths.get(0)); above = parent(above)) {
      parts.push(isLast(above) ? "   " : "│  ");
    }
    return String.join("", parts);
  }

  private boolean isLast(String path) {
    @Nullable String lastOne = last.get(parent(path));
    return path.equals(lastOne);
  }

  private static String parent(String path) {
    int slash = path.lastIndexOf('/');
    return slash == 0 ? "/" : path.substring(0, slash);
  }

  private static String name(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }
}
