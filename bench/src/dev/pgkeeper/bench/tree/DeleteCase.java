package dev.pgkeeper.bench.tree;

import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.Workload;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Deleting nodes that nobody watches, below a parent of the thread's own or all below one. */
final class DeleteCase extends OperationCase {
  private final boolean oneParent;

  DeleteCase(boolean oneParent) {
    super(oneParent ? "tree.delete.one-parent" : "tree.delete", threads(oneParent));
    this.oneParent = oneParent;
  }

  private static Integer[] threads(boolean oneParent) {
    return oneParent ? new Integer[] {MANY} : new Integer[] {1, MANY};
  }

  @Override
  Workload workload(Znodes znodes, String root, int threads, long roundMillis) {
    return new Workload() {
      private final List<Deque<String>> left = new ArrayList<>();
      private int number;

      /**
       * What one thread deletes in a round, at most; grows when a round runs out before its time.
       */
      private long supply = Math.max(100, 8 * roundMillis / threads);

      @Override
      public Worker worker(int thread) throws Exception {
        if (thread == 0 || !oneParent) {
          znodes.createAll(List.of(parent(thread)), DATA);
        }
        Deque<String> own = new ArrayDeque<>();
        left.add(own);
        return () -> {
          String path = own.poll();
          if (path == null) {
            return Worker.EXHAUSTED;
          }
          long began = System.nanoTime();
          znodes.delete(path);
          return System.nanoTime() - began;
        };
      }

      @Override
      public void before() throws Exception {
        if (number > 0 && left.stream().anyMatch(Deque::isEmpty)) {
          supply *= 2;
        } else if (number > 0) {
          long most = left.stream().mapToLong(own -> supply - own.size()).max().orElseThrow();
          supply = Math.max(supply / 2, 2 * most);
        }
        for (int thread = 0; thread < left.size(); thread++) {
          Deque<String> own = left.get(thread);
          List<String> fresh = new ArrayList<>();
          while (own.size() + fresh.size() < supply) {
            fresh.add(parent(thread) + "/" + number++);
          }
          znodes.createAll(fresh, DATA);
          own.addAll(fresh);
        }
      }

      private String parent(int thread) {
        return root + "/" + (oneParent ? 0 : thread);
      }

      @Override
      public void close() throws Exception {
        for (Deque<String> own : left) {
          znodes.deleteAll(List.copyOf(own));
        }
      }
    };
  }

  /**
   * Children of one parent are counted one after the other; the floor's rows have nothing in
   * common.
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
