package dev.pgkeeper.bench.queue;

import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Unavailable;
import dev.pgkeeper.bench.WarmUp;
import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.queue.Messages.Consumer;
import dev.pgkeeper.bench.queue.Messages.Consumers;
import dev.pgkeeper.bench.queue.PgkeeperMessages.Way;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.bench.server.RedisServer;
import dev.pgkeeper.bench.server.ZooKeeperServer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Who takes part in a case, each with one client for all threads. */
final class Subjects implements AutoCloseable {
  static final String PGKEEPER = "pgkeeper";

  /** The same, but each message is acked in a round trip of its own. */
  static final String PGKEEPER_ONE_BY_ONE = "pgkeeper, acked one by one";

  /** The same, with a consumer that the library runs and that takes ahead, as db-scheduler does. */
  static final String PGKEEPER_HANDLED = "pgkeeper, handled";

  /** The floor: rows inserted and deleted by the plainest statements there are. */
  static final String JDBC = "jdbc";

  static final String SCHEDULER = "db-scheduler";
  static final String REDISSON = "redisson";
  static final String CURATOR = "curator";

  /** Each of them once. */
  static final List<String> ALL = List.of(PGKEEPER, JDBC, SCHEDULER, REDISSON, CURATOR);

  /** Connections that pgkeeper, db-scheduler and the floor may each use. */
  static final int POOL_SIZE = 16;

  /** Messages in a table of PostgreSQL, where consumers are measured. */
  static final int LONGEST_BACKLOG = 200_000;

  private static final int WARM_UP_THREADS = 8;
  private static final Duration WARM_UP_LIMIT = Duration.ofSeconds(10);

  private final Lab lab;
  private final Report report;
  private final String name;
  private final Map<String, Messages> opened = new HashMap<>();

  /** Those that enqueueing and consuming share, which leave their queues empty. */
  static Subjects of(Lab lab, Report report) throws Exception {
    return lab.shared(
        Subjects.class,
        () -> {
          // What is opened first is closed last: the servers after their clients.
          Postgres.of(lab, report);
          ZooKeeperServer.of(lab, report);
          try {
            RedisServer.of(lab, report);
          } catch (Unavailable e) {
            // It is skipped where it takes part.
          }
          return new Subjects(lab, report, "queue");
        });
  }

  /** Those of a case, which gives their queues its name; to be closed at its end. */
  Subjects(Lab lab, Report report, String name) {
    this.lab = lab;
    this.report = report;
    this.name = name.replace('.', '_');
  }

  /** The subject's queue, which is opened if need be. */
  Messages of(String subject) throws Exception {
    Messages known = opened.get(subject);
    if (known == null) {
      known = open(subject);
      opened.put(subject, known);
      warmUp(known);
    }
    return known;
  }

  private Messages open(String subject) throws Exception {
    return switch (subject) {
      case PGKEEPER -> PgkeeperMessages.open(migrated("pgkeeper"), Way.WITH_NEXT_TAKE);
      case PGKEEPER_ONE_BY_ONE -> PgkeeperMessages.open(migrated("one_by_one"), Way.ONE_BY_ONE);
      case PGKEEPER_HANDLED -> PgkeeperMessages.open(migrated("handled"), Way.HANDLED);
      case JDBC -> new PlainMessages(database("jdbc"));
      case SCHEDULER -> new SchedulerMessages(database("scheduler"));
      case REDISSON -> new RedissonMessages(RedisServer.of(lab, report).address(), name);
      case CURATOR -> new CuratorMessages(ZooKeeperServer.of(lab, report).address(), name);
      default -> throw new IllegalArgumentException(subject);
    };
  }

  private void warmUp(Messages messages) throws Exception {
    List<byte[]> one = Messages.payloads(1);
    try (Consumers consumers = messages.consumers(WARM_UP_THREADS, 1)) {
      WarmUp.with(
          lab,
          WARM_UP_THREADS,
          thread -> {
            Consumer consumer = consumers.consumer();
            return Worker.timing(
                () -> {
                  messages.enqueue(one);
                  consumer.next(WARM_UP_LIMIT);
                });
          });
    }
    messages.clear();
  }

  private String migrated(String subject) throws Exception {
    return Postgres.of(lab, report).createMigrated(name + "_" + subject);
  }

  private String database(String subject) throws Exception {
    return Postgres.of(lab, report).createDatabase(name + "_" + subject);
  }

  @Override
  public void close() throws Exception {
    for (Messages messages : opened.values()) {
      messages.close();
    }
  }
}
