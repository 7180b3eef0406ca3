package dev.pgkeeper.proof.check;

import dev.pgkeeper.proof.fault.Fleet.Life;
import dev.pgkeeper.proof.fault.Happened;
import dev.pgkeeper.proof.history.Operation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Whether every client gets on whenever it can: between two things that it did successfully is
 * little time in which nothing was wrong with it, its network or its server. Where the machine was
 * slow, time counts for as much less as a quick machine would have needed.
 */
final class RecoveryCheck {
  private RecoveryCheck() {}

  static Finding examine(Evidence evidence, Duration limit) {
    Map<String, TreeSet<Long>> successes =
        evidence.history().operations().stream()
            .filter(Operation::isOk)
            .collect(
                Collectors.groupingBy(
                    Operation::process,
                    Collectors.mapping(
                        Operation::completed, Collectors.toCollection(TreeSet::new))));
    List<String> violations = new ArrayList<>();
    long faults = 0;
    long longest = 0;
    for (Life life : evidence.lives()) {
      List<Happened> its = evidence.faults().stream().filter(one -> concerns(one, life)).toList();
      faults += its.size();
      TreeSet<Long> moments = new TreeSet<>(successes.getOrDefault(life.name(), new TreeSet<>()));
      moments.add(Math.min(life.to(), evidence.ended()));
      long before = life.from();
      for (long moment : moments) {
        long silent = undisturbed(before, moment, its, evidence.slowness());
        longest = Math.max(longest, silent);
        if (silent > limit.toNanos() / 1000) {
          violations.add(
              "%s did nothing for %.1f s of a quick machine's time in which nothing was wrong, from %d to %d"
                  .formatted(life.name(), silent / 1e6, before, moment));
        }
        before = moment;
      }
    }
    return new Finding(
        faults,
        "faults; the longest silence was %.1f s of a quick machine's time".formatted(longest / 1e6),
        violations);
  }

  private static boolean concerns(Happened fault, Life life) {
    return fault.client() < 0 || fault.client() == life.client();
  }

  /** So much of the time between two moments is in no fault, by a quick machine's clock. */
  private static long undisturbed(
      long from, long to, List<Happened> faults, NavigableMap<Long, Double> slowness) {
    long calm = 0;
    long reached = from;
    List<Happened> ordered =
        faults.stream().sorted(Comparator.comparingLong(Happened::from)).toList();
    for (Happened fault : ordered) {
      if (fault.to() > reached && fault.from() < to) {
        calm += quick(reached, fault.from(), slowness);
        reached = Math.max(reached, fault.to());
      }
    }
    return calm + quick(reached, to, slowness);
  }

  /** What a quick machine would have needed for what this one did between two moments. */
  private static long quick(long from, long to, NavigableMap<Long, Double> slowness) {
    double needed = 0;
    long reached = from;
    while (reached < to) {
      Map.Entry<Long, Double> pulse = slowness.higherEntry(reached);
      long next = pulse == null ? to : Math.min(to, pulse.getKey());
      needed += (next - reached) / (pulse == null ? 1 : pulse.getValue());
      reached = next;
    }
    return (long) needed;
  }
}
