package dev.pgkeeper.internal.queue;

import dev.pgkeeper.internal.queue.QueueCalls.Tidied;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * When {@code queue_tidy} is called: for all queues in use at once, every 100 ms at most; and for
 * one at which somebody waits, when a message of it has its time.
 */
final class Tidying {
  private static final long BETWEEN_MS = 100;
  private static final long FARTHEST_MS = TimeUnit.DAYS.toMillis(1);

  private final QueueSession session;
  private final QueueClock clock;
  private final Set<QueueChannel> used = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean scheduled = new AtomicBoolean();

  /** The {@link System#nanoTime} at which a queue is looked at next. */
  private final Map<QueueChannel, Long> dueAt = new ConcurrentHashMap<>();

  Tidying(QueueSession session, QueueClock clock) {
    this.session = session;
    this.clock = clock;
  }

  void used(QueueChannel queue, @Nullable Long nextMs) {
    if (!used.contains(queue)) {
      used.add(queue);
    }
    if (!scheduled.get() && scheduled.compareAndSet(false, true)) {
      clock.at(System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(BETWEEN_MS), this::tidyUsed);
    }
    due(queue, nextMs);
  }

  private void tidyUsed() {
    scheduled.set(false);
    List<QueueChannel> all = new ArrayList<>(used);
    all.forEach(used::remove);
    tidy(all);
  }

  private void tidy(List<QueueChannel> some) {
    session.attemptLater(
        "tidying queues",
        () -> {
          Map<String, QueueChannel> byName = new HashMap<>();
          some.forEach(queue -> byName.put(queue.name, queue));
          List<String> names = List.copyOf(byName.keySet());
          for (Tidied tidied : session.database().read(session.calls().queueTidy(names))) {
            tidied(Objects.requireNonNull(byName.get(tidied.queue())), tidied.nextMs());
          }
        });
  }

  /** It was looked at, and what was due then has its place. */
  void tidied(QueueChannel queue, @Nullable Long nextMs) {
    due(queue, nextMs);
    if (!session.hearsRings()) {
      queue.wakeups.ring();
    }
  }

  /** A message of this queue has its time so long from now. */
  private void due(QueueChannel queue, @Nullable Long nextMs) {
    if (nextMs == null || nextMs > FARTHEST_MS) {
      return; // the sweep will say it again
    }
    long at = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(nextMs + 1);
    long soonest = dueAt.merge(queue, at, (before, now) -> before - now <= 0 ? before : now);
    if (soonest == at) {
      clock.at(at, () -> comeDue(queue, at));
    }
  }

  private void comeDue(QueueChannel queue, long at) {
    if (dueAt.remove(queue, at) && queue.wakeups.hasSleepers()) {
      tidy(List.of(queue));
    }
  }
}
