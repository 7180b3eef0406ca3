package dev.pgkeeper.internal.queue;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.observe.QueueCounts;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * When {@code queue_report} is called: five seconds after something was counted, for all queues of
 * this client that something was counted of, and when the session ends. A report that fails is not
 * repeated, so that nothing is counted twice: what it had is missing from the rates. Observers are
 * told the same at the same time, whether it arrives or not.
 */
final class QueueCounters {
  private static final Logger log = LoggerFactory.getLogger(QueueCounters.class);
  private static final long BETWEEN_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final QueueSession session;
  private final QueueClock clock;
  private final Set<QueueChannel> changed = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean scheduled = new AtomicBoolean();

  QueueCounters(QueueSession session, QueueClock clock) {
    this.session = session;
    this.clock = clock;
  }

  void changed(QueueChannel queue) {
    if (!changed.contains(queue)) {
      changed.add(queue);
    }
    if (!scheduled.get() && scheduled.compareAndSet(false, true)) {
      clock.at(System.nanoTime() + BETWEEN_NANOS, () -> session.later(this::report));
    }
  }

  /** All that was counted and not reported. */
  void report() {
    scheduled.set(false);
    List<QueueCounts> counts = new ArrayList<>();
    for (QueueChannel queue : changed) {
      changed.remove(queue); // first: who counts from here on is not forgotten
      counts.add(queue.counter.take());
    }
    if (counts.isEmpty()) {
      return;
    }
    counts.forEach(session.observation()::counted);
    try {
      session.database().readOnce(session.calls().queueReport(counts));
    } catch (KeeperException e) {
      log.debug("session {}: a report of queues is lost", session.id(), e);
    }
  }
}
