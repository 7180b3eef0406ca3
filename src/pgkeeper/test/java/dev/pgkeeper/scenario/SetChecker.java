package dev.pgkeeper.scenario;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Whether every add that was acknowledged is in the set. */
public final class SetChecker {
  private SetChecker() {}

  public static List<String> lost(List<String> acknowledged, String elements) {
    Set<String> there = new HashSet<>(List.of(elements.split(" ")));
    return acknowledged.stream().filter(element -> !there.contains(element)).toList();
  }
}
