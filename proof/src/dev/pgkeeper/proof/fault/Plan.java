package dev.pgkeeper.proof.fault;

import dev.pgkeeper.proof.fault.Fault.Place;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * Which faults come when, drawn from a seed: one after the other at each place, every kind once
 * before any comes again, with some calm in between. Those that the scenarios name come first, so
 * that a short run has them.
 */
public record Plan(List<Planned> faults) {
  private static final Set<Fault> NAMED =
      EnumSet.of(
          Fault.CLIENT_KILLED,
          Fault.CLIENT_STOPPED_FOR_LONG,
          Fault.SESSION_TERMINATED,
          Fault.POOL_EXHAUSTED,
          Fault.THREADS_BLOCKED,
          Fault.REPLIES_LOST,
          Fault.TO_CLIENT_STALLED,
          Fault.SERVER_KILLED,
          Fault.ROWS_HELD);

  private static final int LEAST_CALM_MILLIS = 300;
  private static final int MOST_CALM_MILLIS = 2200;

  /**
   * @param at from the beginning
   * @param client whom it happens to, if to one
   */
  public record Planned(Duration at, Fault fault, Duration length, int client) {
    Duration end() {
      return at.plus(length);
    }

    Planned of(int other) {
      return new Planned(at, fault, length, other);
    }
  }

  /** The faults of a place that begin and end in this time. */
  public static Plan draw(Place place, Duration time, int clients, Random random) {
    return draw(place, time, clients, 1, random);
  }

  /**
   * The same, where they come seldom.
   *
   * @param calmer so many times as long it is calm between them
   */
  public static Plan draw(Place place, Duration time, int clients, int calmer, Random random) {
    List<Planned> faults = new ArrayList<>();
    List<Fault> deck = new ArrayList<>();
    Duration at = calm(random).multipliedBy(calmer);
    while (true) {
      if (deck.isEmpty()) {
        deck.addAll(Fault.at(place));
        Collections.shuffle(deck, random);
        // They are taken from the end.
        deck.sort(Comparator.comparing(NAMED::contains));
      }
      Fault fault = deck.remove(deck.size() - 1);
      Planned next = new Planned(at, fault, length(fault, random), random.nextInt(clients));
      if (next.end().compareTo(time) > 0) {
        return new Plan(faults);
      }
      faults.add(next);
      at = next.end().plus(calm(random).multipliedBy(calmer));
    }
  }

  /** The same, but those of these clients who would be killed are not: the next one is. */
  public Plan sparing(Set<Integer> spared, int clients) {
    return new Plan(
        faults.stream()
            .map(
                planned ->
                    planned.fault() == Fault.CLIENT_KILLED
                        ? planned.of(other(planned.client(), spared, clients))
                        : planned)
            .toList());
  }

  private static int other(int client, Set<Integer> spared, int clients) {
    int other = client;
    while (spared.contains(other)) {
      other = (other + 1) % clients;
    }
    return other;
  }

  private static Duration length(Fault fault, Random random) {
    int span = fault.mostMillis() - fault.leastMillis();
    return Duration.ofMillis(fault.leastMillis() + (span == 0 ? 0 : random.nextInt(span)));
  }

  private static Duration calm(Random random) {
    return Duration.ofMillis(
        LEAST_CALM_MILLIS + random.nextInt(MOST_CALM_MILLIS - LEAST_CALM_MILLIS));
  }
}
