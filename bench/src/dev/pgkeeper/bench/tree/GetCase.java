package dev.pgkeeper.bench.tree;

import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.Workload;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Reading the data of a node, any of a thousand. */
final class GetCase extends OperationCase {
  GetCase() {
    super("tree.get", 1, MANY);
  }

  @Override
  Workload workload(Znodes znodes, String root, int threads, long roundMillis) throws Exception {
    List<String> paths = IntStream.range(0, 1000).mapToObj(i -> root + "/" + i).toList();
    znodes.createAll(paths, DATA);
    return thread ->
        Worker.timing(
            () -> znodes.get(paths.get(ThreadLocalRandom.current().nextInt(paths.size()))));
  }

  @Override
  Target againstFloor() {
    return Target.atLeast(0.8);
  }

  /**
   * ZooKeeper answers reads from the memory of one server, without a query: told, not asked for.
   */
  @Override
  @Nullable Target againstZooKeeper(int threads) {
    return null;
  }
}
