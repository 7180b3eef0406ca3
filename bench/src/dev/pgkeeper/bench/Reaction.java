package dev.pgkeeper.bench;

import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Something is done here, and somebody else is told: from before it is done until that one's code
 * begins.
 */
public abstract class Reaction implements Workload {
  private static final long LIMIT_SECONDS = 20;

  private final Semaphore told = new Semaphore(0);
  private volatile long toldAt;

  /** What somebody is to be told of. */
  protected abstract void act() throws Exception;

  /** What comes before, unmeasured. */
  protected void prepare() throws Exception {}

  /** Called by whoever is told, first of all. */
  protected final void told() {
    toldAt = System.nanoTime();
    told.release();
  }

  /** Whoever overrides it makes sure that somebody is told. */
  @Override
  public Worker worker(int thread) throws Exception {
    return () -> {
      prepare();
      told.drainPermits();
      long began = System.nanoTime();
      act();
      if (!told.tryAcquire(LIMIT_SECONDS, TimeUnit.SECONDS)) {
        throw new IllegalStateException("Nobody was told within " + LIMIT_SECONDS + " s");
      }
      return toldAt - began;
    };
  }
}
