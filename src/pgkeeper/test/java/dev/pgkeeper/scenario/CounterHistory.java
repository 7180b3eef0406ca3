package dev.pgkeeper.scenario;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Whether there is an order of all that was done to a counter, one thing after the other and none
 * before it was asked for or after it was answered, that explains what everybody was answered. Only
 * positive numbers are added, so every sum stands for one moment.
 */
public final class CounterHistory {
  /**
   * A change from one number to a greater one, or a look, where both are the same.
   *
   * @param asked when, by this process's clock
   * @param answered when
   */
  public record Done(long asked, long answered, long before, long after) {
    boolean isLook() {
      return before == after;
    }
  }

  private final List<Done> all;

  public CounterHistory(List<Done> all) {
    this.all = List.copyOf(all);
  }

  /** What cannot be explained; nothing if all can. */
  public List<String> problems(long atTheEnd) {
    List<String> problems = new ArrayList<>();
    List<Done> changes =
        all.stream()
            .filter(done -> !done.isLook())
            .sorted(Comparator.comparingLong(Done::after))
            .toList();
    long reached = 0;
    for (Done change : changes) {
      if (change.before() != reached) {
        problems.add((change.before() < reached ? "done twice: " : "lost before ") + change);
      }
      reached = change.after();
    }
    if (reached != atTheEnd) {
      problems.add("the end is " + atTheEnd + " and not " + reached);
    }
    Set<Long> moments = new HashSet<>(List.of(0L));
    changes.forEach(change -> moments.add(change.after()));
    for (Done look : all) {
      if (look.isLook() && !moments.contains(look.after())) {
        problems.add("never was so: " + look);
      }
    }
    return outOfTime(problems);
  }

  /** Those who were answered before another one asked must not have come after it. */
  private List<String> outOfTime(List<String> problems) {
    List<Done> byQuestion = all.stream().sorted(Comparator.comparingLong(Done::asked)).toList();
    List<Done> byAnswer = all.stream().sorted(Comparator.comparingLong(Done::answered)).toList();
    int answered = 0;
    Done latest = null;
    for (Done done : byQuestion) {
      while (byAnswer.get(answered).answered() < done.asked()) {
        Done earlier = byAnswer.get(answered++);
        latest = latest == null || latest.after() < earlier.after() ? earlier : latest;
      }
      boolean seen = latest == null || latest.after() < done.after();
      if (!seen && !(done.isLook() && latest.after() == done.after())) {
        boolean lookAfterwards = latest.isLook() && latest.after() == done.after();
        problems.add((lookAfterwards ? "seen too early: " : "out of time: ") + done);
      }
    }
    return problems;
  }
}
