package dev.pgkeeper.bench.tree;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.Workload;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.bench.server.ZooKeeperServer;
import java.util.List;

/**
 * From a set to another client's callback, with a watch that stays or with one that is left again
 * each time.
 */
final class CallbackCase implements Case {
  /**
   * At most 0.5 ms where the raw commit takes 0.2 ms: what a commit costs here is measured in the
   * same rounds.
   */
  private static final Target AGAINST_RAW_COMMIT = Target.atMost(0.5 / 0.2);

  private static final Target AGAINST_ZOOKEEPER = Target.atMost(1.5);

  private final boolean once;

  CallbackCase(boolean once) {
    this.once = once;
  }

  @Override
  public String name() {
    return once ? "tree.callback.once" : "tree.callback";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    new Contest(name(), 1, Measure.latency())
        .entrant(
            Subjects.PGKEEPER,
            () -> {
              String url =
                  Postgres.of(lab, report).createMigrated(once ? "callback_once" : "callback");
              return new Callback(new PgkeeperSignals(url), once);
            })
        .entrant(Subjects.JDBC, () -> rawCommit(PlainRows.of(lab, report)))
        .entrant(
            Subjects.ZOOKEEPER,
            () -> new Callback(new ZooKeeperSignals(ZooKeeperServer.of(lab, report)), once))
        .compare(Subjects.PGKEEPER, Subjects.JDBC, once ? null : AGAINST_RAW_COMMIT)
        .compare(Subjects.PGKEEPER, Subjects.ZOOKEEPER, once ? null : AGAINST_ZOOKEEPER)
        .run(lab, report);
  }

  private Workload rawCommit(PlainRows rows) throws Exception {
    String path = "/" + name();
    rows.createAll(List.of(path), OperationCase.DATA);
    return thread -> Worker.timing(() -> rows.set(path, OperationCase.DATA));
  }
}
