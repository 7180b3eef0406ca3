package dev.pgkeeper.bench.locks;

import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.Workload;
import dev.pgkeeper.bench.locks.Locks.NamedLock;
import java.sql.SQLException;

/** Acquiring and releasing a lock that nobody else wants, against the floor, on a given server. */
public final class LockPairs implements AutoCloseable {
  private final Locks client;
  private final Locks floor;

  /**
   * A client with a session of its own.
   *
   * @param url a database that has been migrated
   * @param floorUrl one that has been {@linkplain #prepareFloor prepared}
   */
  public LockPairs(String url, String floorUrl) {
    client = PgkeeperLocks.connect(url, Subjects.SMALL_POOL_SIZE);
    floor = new PlainLocks(floorUrl, Subjects.SMALL_POOL_SIZE);
  }

  /** Makes what the floor needs in an empty database. */
  public static void prepareFloor(String url) throws SQLException {
    PlainLocks.createTable(url);
  }

  /** How long a pair takes while this is going on. */
  public void measure(String caseName, String meanwhile, Lab lab, Report report)
      throws InterruptedException {
    String own = Subjects.PGKEEPER + ", " + meanwhile;
    String other = Subjects.JDBC + ", " + meanwhile;
    new Contest(caseName, 1, Measure.latency())
        .entrant(own, () -> with(client))
        .entrant(other, () -> with(floor))
        .compare(own, other, null)
        .run(lab, report);
  }

  /** Each thread has a lock of its own. */
  static Workload with(Locks locks) {
    return with(locks, "own-");
  }

  /** The same, with this before the thread's number in the locks' names. */
  static Workload with(Locks locks, String prefix) {
    return thread -> on(locks.named(prefix + thread));
  }

  /** On this lock, which others may want too. */
  static Worker on(NamedLock lock) {
    return Worker.timing(
        () -> {
          lock.acquire();
          lock.release();
        });
  }

  @Override
  public void close() throws Exception {
    client.close();
    floor.close();
  }
}
