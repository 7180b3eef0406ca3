package dev.pgkeeper.bench.tree;

import dev.pgkeeper.bench.Reaction;
import dev.pgkeeper.bench.Worker;

/**
 * Sets a node and waits until the other client is told: from before the set was sent until the
 * callback begins.
 */
final class Callback extends Reaction {
  private final Signals signals;
  private final boolean once;

  Callback(Signals signals, boolean once) {
    this.signals = signals;
    this.once = once;
  }

  @Override
  public Worker worker(int thread) throws Exception {
    if (!once) {
      signals.watch(this::told);
    }
    return super.worker(thread);
  }

  @Override
  protected void prepare() throws Exception {
    if (once) {
      signals.watchOnce(this::told);
    }
  }

  @Override
  protected void act() throws Exception {
    signals.set();
  }

  @Override
  public void close() throws Exception {
    signals.close();
  }
}
