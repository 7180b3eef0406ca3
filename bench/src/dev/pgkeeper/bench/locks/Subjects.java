package dev.pgkeeper.bench.locks;

import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.WarmUp;
import dev.pgkeeper.bench.server.EtcdServer;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.bench.server.RedisServer;
import dev.pgkeeper.bench.server.ZooKeeperServer;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Who takes part in a case. */
final class Subjects implements AutoCloseable {
  static final String PGKEEPER = "pgkeeper";

  /** The floor: one row inserted and deleted by the plainest statements there are. */
  static final String JDBC = "jdbc";

  static final String CURATOR = "curator";
  static final String REDISSON = "redisson";
  static final String REDISSON_FAIR = "redisson fair";
  static final String JETCD = "jetcd";
  static final String SHEDLOCK = "shedlock";

  /** How long a client may be silent before it loses its locks, with everybody the same. */
  static final Duration TIMEOUT = Duration.ofSeconds(30);

  /**
   * Connections that pgkeeper, ShedLock and the floor may each use for a client of many threads.
   */
  static final int POOL_SIZE = 16;

  /** Connections for a client of one thread. */
  static final int SMALL_POOL_SIZE = 2;

  private static final int WARM_UP_THREADS = 8;

  private final Lab lab;
  private final Report report;
  private final Map<String, Locks> shared = new HashMap<>();
  private @Nullable String url;

  /** Those of a case, to be closed at its end: before the servers are, at the end of the run. */
  Subjects(Lab lab, Report report) {
    this.lab = lab;
    this.report = report;
  }

  /** The one client that all threads share. */
  Locks shared(String subject) throws Exception {
    Locks known = shared.get(subject);
    if (known == null) {
      known = connect(subject, address(subject), POOL_SIZE);
      shared.put(subject, known);
      warmUp(known);
    }
    return known;
  }

  /** Where a subject's server is, which is started if need be. */
  String address(String subject) throws Exception {
    return switch (subject) {
      case PGKEEPER -> pgkeeperUrl();
      case CURATOR -> ZooKeeperServer.of(lab, report).address();
      case REDISSON, REDISSON_FAIR -> RedisServer.of(lab, report).address();
      case JETCD -> EtcdServer.of(lab, report).address();
      case JDBC -> {
        String floor = Postgres.of(lab, report).createDatabase("locks_jdbc");
        PlainLocks.createTable(floor);
        yield floor;
      }
      case SHEDLOCK -> Postgres.of(lab, report).createDatabase("locks_shedlock");
      default -> throw new IllegalArgumentException(subject);
    };
  }

  /** One database for all its clients, as an application would have. */
  private String pgkeeperUrl() throws Exception {
    String known = url;
    if (known == null) {
      known = Postgres.of(lab, report).createMigrated("locks");
      url = known;
    }
    return known;
  }

  /** A client with one session, for one thread. */
  static Locks connect(String subject, String address) throws Exception {
    return connect(subject, address, SMALL_POOL_SIZE);
  }

  private static Locks connect(String subject, String address, int poolSize) throws Exception {
    return switch (subject) {
      case PGKEEPER -> PgkeeperLocks.connect(address, poolSize);
      case CURATOR -> new CuratorLocks(address);
      case REDISSON -> new RedissonLocks(address, false);
      case REDISSON_FAIR -> new RedissonLocks(address, true);
      case JETCD -> new EtcdLocks(address);
      case JDBC -> new PlainLocks(address, poolSize);
      case SHEDLOCK -> new ShedLocks(address, poolSize);
      default -> throw new IllegalArgumentException(subject);
    };
  }

  private void warmUp(Locks locks) throws Exception {
    WarmUp.with(lab, WARM_UP_THREADS, LockPairs.with(locks, "warm-up-"));
  }

  @Override
  public void close() throws Exception {
    for (Locks locks : shared.values()) {
      locks.close();
    }
  }
}
