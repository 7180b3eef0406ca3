package dev.pgkeeper.differential;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Makes a list that fails shorter, for as long as it still fails: takes out ever smaller pieces.
 */
final class Shrinker {

  private Shrinker() {}

  static <T> List<T> shrink(List<T> failing, Predicate<List<T>> fails) {
    List<T> shortest = failing;
    for (int piece = failing.size() / 2; piece >= 1; piece /= 2) {
      for (int end = shortest.size(); end > 0; end -= piece) {
        int from = Math.max(0, end - piece);
        List<T> shorter = new ArrayList<>(shortest.subList(0, from));
        shorter.addAll(shortest.subList(Math.min(end, shortest.size()), shortest.size()));
        if (!shorter.isEmpty() && fails.test(shorter)) {
          shortest = shorter;
        }
      }
    }
    return shortest;
  }
}
