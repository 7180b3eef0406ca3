package dev.pgkeeper.bench.queue;

import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.Workload;
import dev.pgkeeper.bench.queue.Messages.Consumer;
import dev.pgkeeper.bench.queue.Messages.Consumers;
import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;

/**
 * Taking messages, and being done with them, as fast as it goes from a queue that is never empty.
 */
final class Consuming implements Workload {
  private static final Duration LIMIT = Duration.ofSeconds(10);

  private final Messages messages;
  private final int batch;
  private final Consumers consumers;
  private final LongAdder missing = new LongAdder();

  /** Each round begins with such a backlog, or with the longest that the subject bears. */
  Consuming(Messages messages, int threads, int batch, int backlog) throws Exception {
    this.messages = messages;
    this.batch = Math.min(batch, messages.largestBatch());
    this.consumers = messages.consumers(threads, this.batch);
    missing.add(Math.min(backlog, messages.longestBacklog()));
  }

  @Override
  public void before() throws Exception {
    messages.fill(Math.toIntExact(missing.sumThenReset()));
  }

  @Override
  public Worker worker(int thread) {
    Consumer consumer = consumers.consumer();
    return () -> {
      long began = System.nanoTime();
      int taken = consumer.next(LIMIT);
      long nanos = System.nanoTime() - began;
      missing.add(taken);
      if (taken == 0) {
        throw new IllegalStateException("There was nothing left to take");
      }
      return taken < batch ? Worker.EXHAUSTED : nanos;
    };
  }

  @Override
  public long unitsPerStep() {
    return batch;
  }

  @Override
  public void close() throws Exception {
    consumers.close();
    messages.clear();
  }
}
