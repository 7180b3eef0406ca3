package dev.pgkeeper.internal.line;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Rings that came before the reply to the joining that they are for: kept for the joins that are
 * under way when they come, and for nobody else. Anybody can ring for any place, so only so many
 * are kept. A join whose ring may have been dropped has to look instead.
 */
final class EarlyRings {
  private static final int MOST = 1000;

  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock.
  private final Map<String, Ring> rings = new LinkedHashMap<>();
  private final TreeMap<Long, Long> underWay = new TreeMap<>();
  private long begun;

  /** Of a join with a greater number, no ring was dropped. */
  private long droppedUpTo;

  /** The last join that it can be for. */
  private record Ring(String payload, long latestJoin) {}

  /**
   * A join begins.
   *
   * @param largestToken the largest number that is known now: the place has a greater one
   * @return the join's number, for {@link #end} and {@link #take}
   */
  long begin(long largestToken) {
    lock.lock();
    try {
      underWay.put(++begun, largestToken);
      return begun;
    } finally {
      lock.unlock();
    }
  }

  /** Its place is known, or there is none. */
  void end(long join) {
    lock.lock();
    try {
      underWay.remove(join);
      if (underWay.isEmpty()) {
        rings.clear();
      } else {
        dropThoseBefore(underWay.firstKey());
      }
    } finally {
      lock.unlock();
    }
  }

  /** Nobody waits for these any more. */
  private void dropThoseBefore(long firstJoin) {
    Iterator<Ring> eldest = rings.values().iterator();
    while (eldest.hasNext() && eldest.next().latestJoin < firstJoin) {
      eldest.remove();
    }
  }

  /** Kept if a join is under way that it could be for. */
  void keep(String address, String payload) {
    lock.lock();
    try {
      if (underWay.isEmpty()) {
        return;
      }
      rings.remove(address); // so that the eldest stay first
      rings.put(address, new Ring(payload, begun));
      if (rings.size() > MOST) {
        Iterator<Ring> eldest = rings.values().iterator();
        droppedUpTo = eldest.next().latestJoin;
        eldest.remove();
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * What was rung for the place of this join; its address alone, which says that it is to be looked
   * at, if that may have been dropped; null if nothing was.
   */
  @Nullable String take(String address, long join) {
    lock.lock();
    try {
      Ring ring = rings.remove(address);
      return ring != null ? ring.payload : join <= droppedUpTo ? address : null;
    } finally {
      lock.unlock();
    }
  }

  /** This number or the largest that was known when the eldest join began, if one is under way. */
  long certain(long largestToken) {
    lock.lock();
    try {
      return underWay.values().stream().mapToLong(Long::longValue).reduce(largestToken, Math::min);
    } finally {
      lock.unlock();
    }
  }
}
