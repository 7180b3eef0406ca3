package dev.pgkeeper.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;

/**
 * One subject at work for one round: its workers start together and go on until the time is over.
 */
final class Turn {
  private final List<Worker> workers;
  private final Duration length;
  private final CpuClock cpu;
  private final CountDownLatch ready;
  private final CountDownLatch start = new CountDownLatch(1);
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private volatile boolean over;

  Turn(List<Worker> workers, Duration length, CpuClock cpu) {
    this.workers = workers;
    this.length = length;
    this.cpu = cpu;
    this.ready = new CountDownLatch(workers.size());
  }

  Round run(long unitsPerStep) throws Exception {
    List<Thread> threads = new ArrayList<>();
    List<Histogram> histograms = new ArrayList<>();
    for (Worker worker : workers) {
      Histogram histogram = new Histogram();
      histograms.add(histogram);
      Thread thread = new Thread(() -> work(worker, histogram), "bench-" + threads.size());
      threads.add(thread);
      thread.start();
    }
    ready.await();
    CpuClock.Reading before = cpu.read();
    long began = System.nanoTime();
    start.countDown();
    for (Thread thread : threads) {
      thread.join();
    }
    double seconds = (System.nanoTime() - began) / 1e9;
    CpuClock.Reading burned = cpu.read().since(before);
    Throwable thrown = failure.get();
    if (thrown instanceof Exception e) {
      throw e;
    } else if (thrown != null) {
      throw new IllegalStateException(thrown);
    }
    Histogram all = new Histogram();
    histograms.forEach(all::add);
    return new Round(all.count() * unitsPerStep, seconds, all, burned);
  }

  private void work(Worker worker, Histogram histogram) {
    try {
      ready.countDown();
      start.await();
      long end = System.nanoTime() + length.toNanos();
      while (!over && System.nanoTime() < end) {
        long nanos = worker.step();
        if (nanos == Worker.EXHAUSTED) {
          break;
        }
        if (nanos != Worker.UNCOUNTED) {
          histogram.record(nanos);
        }
      }
    } catch (Throwable e) {
      failure.compareAndSet(null, e);
    } finally {
      // One thread fewer would be another measurement: whoever ends first ends the round for all.
      over = true;
    }
  }
}
