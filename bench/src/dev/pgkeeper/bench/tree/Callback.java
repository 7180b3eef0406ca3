package dev.pgkeeper.bench.tree;

import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.Workload;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Sets a node and waits until the other client is told: from before the set was sent until the
 * callback begins.
 */
final class Callback implements Workload {
  private static final long LIMIT_SECONDS = 20;

  private final Signals signals;
  private final boolean once;
  private final Semaphore told = new Semaphore(0);
  private volatile long toldAt;

  Callback(Signals signals, boolean once) {
    this.signals = signals;
    this.once = once;
  }

  @Override
  public Worker worker(int thread) throws Exception {
    if (!once) {
      signals.watch(this::told);
    }
    return () -> {
      if (once) {
        signals.watchOnce(this::told);
      }
      told.drainPermits();
      long began = System.nanoTime();
      signals.set();
      if (!told.tryAcquire(LIMIT_SECONDS, TimeUnit.SECONDS)) {
        throw new IllegalStateException("Nobody was told within " + LIMIT_SECONDS + " s");
      }
      return toldAt - began;
    };
  }

  private void told() {
    toldAt = System.nanoTime();
    told.release();
  }

  @Override
  public void close() throws Exception {
    signals.close();
  }
}
