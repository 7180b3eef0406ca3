package dev.pgkeeper.bench.tree;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.Workload;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One operation, by one thread and by many, done by every subject. */
abstract class OperationCase implements Case {
  static final int MANY = 16;

  /** As much as an address or a small setting. */
  static final byte[] DATA = new byte[100];

  private final String name;
  private final List<Integer> threadCounts;

  OperationCase(String name, Integer... threadCounts) {
    this.name = name;
    this.threadCounts = List.of(threadCounts);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    for (int threads : threadCounts) {
      Contest contest = new Contest(name, threads, Measure.rate("ops/s"));
      for (Map.Entry<String, Subjects.Entrance> subject : Subjects.all().entrySet()) {
        contest.entrant(
            subject.getKey(),
            () -> {
              Znodes znodes = subject.getValue().open(lab, report);
              String root = "/" + name + "-" + threads;
              znodes.createAll(List.of(root), DATA);
              return workload(znodes, root, threads, lab.pace().round().toMillis());
            });
      }
      contest.compare(Subjects.PGKEEPER, Subjects.JDBC, againstFloor());
      contest.compare(Subjects.PGKEEPER, Subjects.ZOOKEEPER, againstZooKeeper(threads));
      contest.run(lab, report);
    }
  }

  /** What is to be done below {@code root}, which exists and has no children. */
  abstract Workload workload(Znodes znodes, String root, int threads, long roundMillis)
      throws Exception;

  @Nullable Target againstFloor() {
    return Target.atLeast(0.6);
  }

  /** Being ahead is asked of many clients at once; one alone waits for the disk like anybody. */
  @Nullable Target againstZooKeeper(int threads) {
    return threads == MANY ? Target.atLeast(1) : null;
  }
}
