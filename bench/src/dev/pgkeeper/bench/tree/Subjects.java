package dev.pgkeeper.bench.tree;

import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.WarmUp;
import dev.pgkeeper.bench.Worker;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Who takes part in the cases of single operations. */
final class Subjects {
  static final String PGKEEPER = "pgkeeper";

  /** The floor: one row read or written by the plainest statement there is. */
  static final String JDBC = "jdbc";

  static final String ZOOKEEPER = "zookeeper";

  /**
   * Connections that pgkeeper and the floor may each use: one for each thread of the widest case.
   */
  static final int POOL_SIZE = 16;

  /** How a subject comes to be, once for all cases. */
  interface Entrance {
    Znodes open(Lab lab, Report report) throws Exception;
  }

  private Subjects() {}

  static Map<String, Entrance> all() {
    Map<String, Entrance> all = new LinkedHashMap<>();
    all.put(PGKEEPER, PgkeeperZnodes::of);
    all.put(JDBC, PlainRows::of);
    all.put(ZOOKEEPER, ZooKeeperZnodes::of);
    return all;
  }

  /** Has all operations done for a while. */
  static <T extends Znodes> T warmedUp(Lab lab, T znodes) throws Exception {
    try {
      znodes.createAll(List.of("/warm-up"), OperationCase.DATA);
      WarmUp.with(
          lab,
          OperationCase.MANY,
          thread -> {
            String path = "/warm-up/" + thread;
            return Worker.timing(
                () -> {
                  znodes.create(path, OperationCase.DATA);
                  znodes.set(path, OperationCase.DATA);
                  znodes.get(path);
                  znodes.delete(path);
                });
          });
      return znodes;
    } catch (Exception e) {
      znodes.close();
      throw e;
    }
  }
}
