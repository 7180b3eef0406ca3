package dev.pgkeeper.differential;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** How often what was seen, to know that a run met what it was meant to meet. */
final class Tally {

  private final Map<String, Integer> counts = new TreeMap<>();

  void count(Step step, Outcome outcome) {
    String came =
        outcome instanceof Outcome.Failure failure
            ? failure.code().name()
            : outcome.isRefusal() ? "refused" : "done";
    count(step.getClass().getSimpleName() + " " + came);
  }

  void count(String what) {
    counts.merge(what, 1, Integer::sum);
  }

  /** What was not met of what a run of two thousand operations is meant to meet. */
  List<String> missing() {
    return Stream.of(
            "Create done, Create refused, Create NODE_EXISTS, Create NO_CHILDREN_FOR_EPHEMERALS",
            "Set done, Set NO_NODE, Set BAD_VERSION",
            "Delete done, Delete NO_NODE, Delete BAD_VERSION, Delete NOT_EMPTY",
            "DeleteRecursive done, Get done, Get NO_NODE, Exists done, Children done, Page done",
            "Children NO_NODE, ReadAll done, Watch done, Unwatch done, Unwatch NO_WATCHER",
            "Multi done, Multi refused, Multi NO_NODE, Multi NODE_EXISTS, Multi BAD_VERSION",
            "Multi NOT_EMPTY, Multi NO_CHILDREN_FOR_EPHEMERALS",
            "heard NODE_CREATED, heard NODE_DELETED, heard NODE_DATA_CHANGED",
            "heard NODE_CHILDREN_CHANGED")
        .flatMap(line -> Stream.of(line.split(", ")))
        .filter(what -> !counts.containsKey(what))
        .toList();
  }

  @Override
  public String toString() {
    return counts.entrySet().stream()
        .map(entry -> entry.getValue() + " × " + entry.getKey())
        .collect(Collectors.joining(", "));
  }
}
