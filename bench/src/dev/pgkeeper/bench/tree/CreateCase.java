package dev.pgkeeper.bench.tree;

import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.Workload;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Creating nodes that nobody watches, below a parent of the thread's own or all below one. */
final class CreateCase extends OperationCase {
  private final boolean oneParent;

  CreateCase(boolean oneParent) {
    super(oneParent ? "tree.create.one-parent" : "tree.create", threads(oneParent));
    this.oneParent = oneParent;
  }

  private static Integer[] threads(boolean oneParent) {
    return oneParent ? new Integer[] {MANY} : new Integer[] {1, MANY};
  }

  @Override
  Workload workload(Znodes znodes, String root, int threads, long roundMillis) {
    return new Workload() {
      private final List<List<String>> created = new ArrayList<>();

      @Override
      public Worker worker(int thread) throws Exception {
        String parent = root + "/" + (oneParent ? 0 : thread);
        if (thread == 0 || !oneParent) {
          znodes.createAll(List.of(parent), DATA);
        }
        List<String> own = new ArrayList<>();
        created.add(own);
        return () -> {
          String path = parent + "/" + thread + "-" + own.size();
          long began = System.nanoTime();
          znodes.create(path, DATA);
          long nanos = System.nanoTime() - began;
          own.add(path);
          return nanos;
        };
      }

      /** Each round finds as few nodes as the first. */
      @Override
      public void after() throws Exception {
        for (List<String> own : created) {
          znodes.deleteAll(own);
          own.clear();
        }
      }
    };
  }

  /**
   * Children of one parent are numbered and counted one after the other; the floor's rows have
   * nothing in common.
   */
  @Override
  @Nullable Target againstFloor() {
    return oneParent ? null : super.againstFloor();
  }

  @Override
  @Nullable Target againstZooKeeper(int threads) {
    return oneParent ? null : super.againstZooKeeper(threads);
  }
}
