package dev.pgkeeper.internal.queue;

import dev.pgkeeper.internal.observe.QueueCounts;
import java.util.concurrent.atomic.LongAdder;

/** How many messages of one queue this client has seen go where since it last reported. */
final class QueueCounter {
  private final QueueCounters counters;
  private final QueueChannel queue;
  private final LongAdder enqueued = new LongAdder();
  private final LongAdder taken = new LongAdder();
  private final LongAdder acked = new LongAdder();
  private final LongAdder returned = new LongAdder();
  private final LongAdder died = new LongAdder();

  QueueCounter(QueueCounters counters, QueueChannel queue) {
    this.counters = counters;
    this.queue = queue;
  }

  void enqueued(int messages) {
    count(enqueued, messages);
  }

  void taken(int messages) {
    count(taken, messages);
  }

  void acked(int messages) {
    count(acked, messages);
  }

  /** Back in the queue. */
  void returned(int messages) {
    count(returned, messages);
  }

  /** Under the dead letters, because that is what was asked for. */
  void died(int messages) {
    count(died, messages);
  }

  private void count(LongAdder counter, int messages) {
    if (messages > 0) {
      counter.add(messages);
      counters.changed(queue);
    }
  }

  /** From here on it counts anew. */
  QueueCounts take() {
    return new QueueCounts(
        queue.name,
        enqueued.sumThenReset(),
        taken.sumThenReset(),
        acked.sumThenReset(),
        returned.sumThenReset(),
        died.sumThenReset());
  }
}
