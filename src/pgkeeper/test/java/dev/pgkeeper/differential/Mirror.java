package dev.pgkeeper.differential;

import dev.pgkeeper.tree.Stat;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The judge's tree as last seen. */
final class Mirror {

  /** What is known of a node. */
  record Known(Stat stat, List<String> children) {
    static final Known ABSENT = new Known(null, List.of());
  }

  private final TreeMap<String, Known> nodes = new TreeMap<>();

  void update(String path, Known known) {
    if (known == Known.ABSENT) {
      nodes.remove(path);
    } else {
      nodes.put(path, known);
    }
  }

  Map<String, Known> nodes() {
    return Collections.unmodifiableMap(nodes);
  }

  boolean has(String path) {
    return nodes.containsKey(path);
  }

  Optional<Stat> stat(String path) {
    return Optional.ofNullable(nodes.get(path)).map(Known::stat);
  }

  /** All paths, sorted. */
  List<String> paths() {
    return List.copyOf(nodes.keySet());
  }

  /** The node and everything below it. */
  List<String> subtree(String path) {
    return nodes.keySet().stream().filter(node -> Paths.isWithin(node, path)).toList();
  }

  /** The ephemeral nodes of a session. */
  List<String> ownedBy(long session) {
    return nodes.entrySet().stream()
        .filter(node -> node.getValue().stat().ephemeralOwner() == session)
        .map(Map.Entry::getKey)
        .toList();
  }

  Mirror copy() {
    Mirror copy = new Mirror();
    copy.nodes.putAll(nodes);
    return copy;
  }
}
