package dev.pgkeeper.bench.tree;

import dev.pgkeeper.bench.Lab;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * All operations for a while, before the first case: clients and, with ZooKeeper, the server have
 * been compiled by then. The rounds that a case throws away warm up what is its own.
 */
final class WarmUp {
  private WarmUp() {}

  static <T extends Znodes> T of(Lab lab, T znodes) throws Exception {
    Duration length = lab.pace().round().multipliedBy(4);
    ExecutorService threads = Executors.newFixedThreadPool(OperationCase.MANY);
    try {
      znodes.createAll(List.of("/warm-up"), OperationCase.DATA);
      long end = System.nanoTime() + length.toNanos();
      List<Future<?>> running = new ArrayList<>();
      for (int thread = 0; thread < OperationCase.MANY; thread++) {
        String path = "/warm-up/" + thread;
        running.add(
            threads.submit(
                () -> {
                  while (System.nanoTime() < end) {
                    znodes.create(path, OperationCase.DATA);
                    znodes.set(path, OperationCase.DATA);
                    znodes.get(path);
                    znodes.delete(path);
                  }
                  return null;
                }));
      }
      for (Future<?> each : running) {
        each.get();
      }
      return znodes;
    } catch (Exception e) {
      znodes.close();
      throw e;
    } finally {
      threads.shutdownNow();
    }
  }
}
