package dev.pgkeeper.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Work for a while, before the first case: clients and, with ZooKeeper, the server have been
 * compiled by then. The rounds that a case throws away warm up what is its own.
 */
public final class WarmUp {
  private static final int ROUNDS = 4;

  private WarmUp() {}

  /** So many threads do this for as long as a few rounds last. */
  public static void with(Lab lab, int threadCount, Workload workload) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(threadCount);
    try {
      long end = System.nanoTime() + lab.pace().round().multipliedBy(ROUNDS).toNanos();
      List<Future<?>> running = new ArrayList<>();
      for (int thread = 0; thread < threadCount; thread++) {
        Worker worker = workload.worker(thread);
        running.add(
            threads.submit(
                () -> {
                  while (System.nanoTime() < end) {
                    worker.step();
                  }
                  return null;
                }));
      }
      for (Future<?> each : running) {
        each.get();
      }
    } finally {
      threads.shutdownNow();
    }
  }
}
