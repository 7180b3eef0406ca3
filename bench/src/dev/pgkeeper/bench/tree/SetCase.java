package dev.pgkeeper.bench.tree;

import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.Workload;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;

/**
 * Setting the data of a node that nobody watches, any of a hundred below the thread's own parent.
 */
final class SetCase extends OperationCase {
  SetCase() {
    super("tree.set", 1, MANY);
  }

  @Override
  Workload workload(Znodes znodes, String root, int threads, long roundMillis) {
    return thread -> {
      String parent = root + "/" + thread;
      List<String> paths = IntStream.range(0, 100).mapToObj(i -> parent + "/" + i).toList();
      znodes.createAll(List.of(parent), DATA);
      znodes.createAll(paths, DATA);
      return Worker.timing(
          () -> znodes.set(paths.get(ThreadLocalRandom.current().nextInt(paths.size())), DATA));
    };
  }
}
