package dev.pgkeeper.discovery;

import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The instances of one service that are known here, and the choice among them: memory, and nothing
 * to wait for. Those to choose from are listed anew only when something has changed.
 */
final class InstanceSelector {
  /** As many keys are remembered at least. */
  private static final int STICKY_KEYS = 50_000;

  private final Duration pause;
  private final LongSupplier nanoTime;
  private final RoundRobin turns = new RoundRobin();
  private final StickyKeys<Entry> sticky = new StickyKeys<>(STICKY_KEYS);
  private final ReentrantLock lock = new ReentrantLock();

  // Changed under the lock.
  private volatile Map<String, Entry> entries = Map.of();
  private volatile Eligible eligible = Eligible.NOBODY;

  /** An instance, whatever it says of itself in the course of time. */
  static final class Entry {
    private final long hash;
    private final AtomicInteger open = new AtomicInteger();
    private volatile ServiceInstance instance;

    // Guarded by the selector's lock.
    private boolean isLeftOut;
    private long leftOutUntil;

    private Entry(ServiceInstance instance) {
      this.hash = Rendezvous.hash(instance.id());
      this.instance = instance;
    }

    ServiceInstance instance() {
      return instance;
    }

    void opened() {
      open.incrementAndGet();
    }

    void closed() {
      open.decrementAndGet();
    }
  }

  /**
   * Those to choose from.
   *
   * @param weightsUpTo the weights of each and all before it together
   * @param changesByItself whether somebody is left out until {@code until}
   */
  private record Eligible(Entry[] all, long[] weightsUpTo, boolean changesByItself, long until) {
    static final Eligible NOBODY = new Eligible(new Entry[0], new long[0], false, 0);
  }

  /**
   * @param pause how long one that fails is left out
   */
  InstanceSelector(Duration pause, LongSupplier nanoTime) {
    this.pause = pause;
    this.nanoTime = nanoTime;
  }

  /**
   * Replaces the known instances with these; instances that were known before keep their open
   * calls.
   */
  void become(Collection<ServiceInstance> instances) {
    lock.lock();
    try {
      Map<String, Entry> next = new HashMap<>();
      for (ServiceInstance instance : instances) {
        Entry entry = entries.get(instance.id());
        if (entry == null) {
          entry = new Entry(instance);
        }
        entry.instance = instance;
        next.put(instance.id(), entry);
      }
      entries = next;
      list();
    } finally {
      lock.unlock();
    }
  }

  /** Leaves it out for the pause, as long as there are others. */
  void fails(String id) {
    lock.lock();
    try {
      Entry entry = entries.get(id);
      if (entry != null && !pause.isZero()) {
        entry.isLeftOut = true;
        entry.leftOutUntil = nanoTime.getAsLong() + pause.toNanos();
        list();
      }
    } finally {
      lock.unlock();
    }
  }

  private Eligible list() {
    lock.lock();
    try {
      long now = nanoTime.getAsLong();
      Entry[] up = sorted(entry -> entry.instance.isUp());
      boolean anyLeftOut = false;
      long until = 0;
      for (Entry entry : up) {
        entry.isLeftOut &= entry.leftOutUntil - now > 0;
        if (entry.isLeftOut && (!anyLeftOut || entry.leftOutUntil - until < 0)) {
          until = entry.leftOutUntil;
        }
        anyLeftOut |= entry.isLeftOut;
      }
      Entry[] well =
          anyLeftOut ? Stream.of(up).filter(entry -> !entry.isLeftOut).toArray(Entry[]::new) : up;
      Entry[] all = well.length == 0 ? up : well;
      long[] weightsUpTo = new long[all.length];
      long sum = 0;
      for (int i = 0; i < all.length; i++) {
        sum += all[i].instance.weight();
        weightsUpTo[i] = sum;
      }
      eligible = new Eligible(all, weightsUpTo, anyLeftOut, until);
      return eligible;
    } finally {
      lock.unlock();
    }
  }

  private Entry[] sorted(Predicate<Entry> which) {
    return entries.values().stream()
        .filter(which)
        .sorted((one, other) -> one.instance.id().compareTo(other.instance.id()))
        .toArray(Entry[]::new);
  }

  private Eligible eligible() {
    Eligible now = eligible;
    return now.changesByItself && nanoTime.getAsLong() - now.until >= 0 ? list() : now;
  }

  List<ServiceInstance> all() {
    return Stream.of(sorted(entry -> true)).map(Entry::instance).toList();
  }

  Optional<Entry> choose(Choice how) {
    Eligible from = eligible();
    Entry[] all = from.all;
    if (all.length == 0) {
      return Optional.empty();
    }
    return Optional.of(
        switch (how) {
          case ROUND_ROBIN -> all[turns.next(all.length)];
          case RANDOM -> all[ThreadLocalRandom.current().nextInt(all.length)];
          case WEIGHTED -> byWeight(from);
          case LEAST_CONNECTIONS -> leastOpen(all);
        });
  }

  private static Entry byWeight(Eligible from) {
    long[] upTo = from.weightsUpTo;
    long sum = upTo[upTo.length - 1];
    if (sum == 0) {
      return from.all[ThreadLocalRandom.current().nextInt(upTo.length)];
    }
    int at = Arrays.binarySearch(upTo, ThreadLocalRandom.current().nextLong(sum) + 1);
    int first = at < 0 ? -at - 1 : at;
    while (first > 0 && upTo[first - 1] == upTo[first]) {
      first--; // those without weight have the sum of the one before them
    }
    return from.all[first];
  }

  /** Begins to look at another one each time, so that equals take turns. */
  private Entry leastOpen(Entry[] all) {
    int first = turns.next(all.length);
    Entry least = all[first];
    int fewest = least.open.get();
    for (int i = 1; i < all.length && fewest > 0; i++) {
      Entry entry = all[(first + i) % all.length];
      int open = entry.open.get();
      if (open < fewest) {
        least = entry;
        fewest = open;
      }
    }
    return least;
  }

  /**
   * The one that this key had last, if it can be chosen; otherwise the closest to it, which is the
   * same in all processes that know the same ones.
   */
  Optional<Entry> chooseFor(String key) {
    Entry[] all = eligible().all;
    Entry before = sticky.get(key);
    if (before != null && contains(all, before)) {
      return Optional.of(before);
    }
    Entry next = closest(key, all);
    if (next != null) {
      sticky.put(key, next);
    }
    return Optional.ofNullable(next);
  }

  private static boolean contains(Entry[] all, Entry one) {
    for (Entry entry : all) {
      if (entry == one) {
        return true;
      }
    }
    return false;
  }

  private static @Nullable Entry closest(String key, Entry[] all) {
    long hash = Rendezvous.hash(key);
    Entry closest = null;
    long most = 0;
    for (Entry entry : all) {
      long closeness = Rendezvous.closeness(hash, entry.hash);
      if (closest == null || closeness > most) {
        closest = entry;
        most = closeness;
      }
    }
    return closest;
  }
}
