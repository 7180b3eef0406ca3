package dev.pgkeeper.bench.queue;

import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.queue.Messages.Consumer;
import dev.pgkeeper.bench.queue.Messages.Consumers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.LongAdder;

/**
 * Messages that arrive at a rate, whatever becomes of them, and consumers that take one at a time.
 *
 * @param firstPerSecond how many were consumed each second in the first sixth
 * @param lastPerSecond the same in the last sixth
 * @param backlog how many of those that should have arrived had not been consumed at the end
 */
record SteadyTraffic(double firstPerSecond, double lastPerSecond, long backlog) {
  static final int RATE = 800;
  static final int CONSUMERS = 4;

  private static final int PRODUCERS = 2;
  private static final int PARTS = 6;
  private static final Duration WAIT = Duration.ofMillis(200);

  static SteadyTraffic run(Messages messages, Duration window) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(PRODUCERS + CONSUMERS);
    LongAdder consumed = new LongAdder();
    long began = System.nanoTime();
    long end = began + window.toNanos();
    try (Consumers consumers = messages.consumers(CONSUMERS, 1)) {
      List<Future<?>> running = new ArrayList<>();
      for (int i = 0; i < PRODUCERS; i++) {
        running.add(threads.submit(calling(() -> produce(messages, began, end))));
      }
      for (int i = 0; i < CONSUMERS; i++) {
        Consumer consumer = consumers.consumer();
        running.add(threads.submit(calling(() -> consume(consumer, consumed, end))));
      }
      long[] marks = new long[PARTS + 1];
      for (int part = 1; part <= PARTS; part++) {
        sleepUntil(began + window.toNanos() * part / PARTS);
        marks[part] = consumed.sum();
      }
      for (Future<?> each : running) {
        each.get();
      }
      double seconds = window.toNanos() / 1e9;
      return new SteadyTraffic(
          marks[1] / (seconds / PARTS),
          (marks[PARTS] - marks[PARTS - 1]) / (seconds / PARTS),
          Math.round(RATE * seconds) - marks[PARTS]);
    } finally {
      threads.shutdownNow();
    }
  }

  private static Callable<Void> calling(Worker.Call call) {
    return () -> {
      call.run();
      return null;
    };
  }

  /** Who is late makes up for it. */
  private static void produce(Messages messages, long began, long end) throws Exception {
    long interval = Duration.ofSeconds(1).toNanos() * PRODUCERS / RATE;
    List<byte[]> one = Messages.payloads(1);
    for (long next = began; next < end && System.nanoTime() < end; next += interval) {
      sleepUntil(next);
      messages.enqueue(one);
    }
  }

  private static void consume(Consumer consumer, LongAdder consumed, long end) throws Exception {
    while (System.nanoTime() < end) {
      consumed.add(consumer.next(WAIT));
    }
  }

  private static void sleepUntil(long moment) throws InterruptedException {
    long nanos = moment - System.nanoTime();
    if (nanos > 0) {
      Thread.sleep(nanos / 1_000_000, (int) (nanos % 1_000_000));
    }
  }
}
