package dev.pgkeeper.bench.queue;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Comparison;
import dev.pgkeeper.bench.Figure;
import dev.pgkeeper.bench.Histogram;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.queue.Messages.Consumer;
import dev.pgkeeper.bench.queue.Messages.Consumers;
import dev.pgkeeper.bench.queue.PgkeeperMessages.Way;
import dev.pgkeeper.bench.server.Postgres;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Steady traffic while another transaction keeps a snapshot open, so that nothing that was deleted
 * can be cleaned up: whether the queue keeps pace, and what an enqueueing and a claim cost before
 * and at the end. One subject after the other: one that degrades must not slow the other.
 */
final class SnapshotCase implements Case {
  private static final Duration WINDOW = Duration.ofMinutes(3);

  /** The floor, which is only told, degrades within it. */
  private static final Duration WINDOW_FLOOR = Duration.ofMinutes(1);

  private static final Duration WINDOW_QUICK = Duration.ofSeconds(6);
  private static final int PROBES = 200;

  private static final String FIRST = ", at first";
  private static final String LAST = ", at last";

  @Override
  public String name() {
    return "queue.snapshot";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    for (String subject : List.of(Subjects.PGKEEPER, Subjects.JDBC)) {
      Duration window = window(lab, subject);
      report.setting(
          "%s, %s: %d messages a second for %d s; at first and at last are a sixth of that each"
              .formatted(name(), subject, SteadyTraffic.RATE, window.toSeconds()));
      Postgres server = Postgres.of(lab, report);
      String url =
          subject.equals(Subjects.PGKEEPER)
              ? server.createMigrated("queue_snapshot_pgkeeper")
              : server.createDatabase("queue_snapshot_jdbc");
      try (Messages messages = open(subject, url)) {
        measure(report, subject, url, messages, window);
      } catch (InterruptedException e) {
        throw e;
      } catch (Exception e) {
        report.failed(name(), subject, e);
      }
    }
  }

  private static Duration window(Lab lab, String subject) {
    if (lab.isQuick()) {
      return WINDOW_QUICK;
    }
    return subject.equals(Subjects.PGKEEPER) ? WINDOW : WINDOW_FLOOR;
  }

  private static Messages open(String subject, String url) throws SQLException {
    return subject.equals(Subjects.PGKEEPER)
        ? PgkeeperMessages.open(url, Way.WITH_NEXT_TAKE)
        : new PlainMessages(url);
  }

  private void measure(
      Report report, String subject, String url, Messages messages, Duration window)
      throws Exception {
    boolean isJudged = subject.equals(Subjects.PGKEEPER);
    // What is planned or compiled at first is not what is asked about.
    Cost.of(messages);
    messages.fill(0);
    Cost before = Cost.of(messages);
    try (Connection other = DriverManager.getConnection(url)) {
      holdSnapshot(other);
      SteadyTraffic traffic = SteadyTraffic.run(messages, window);
      Cost after = Cost.of(messages);
      compare(
          report,
          subject,
          "throughput",
          SteadyTraffic.CONSUMERS,
          "messages/s",
          traffic.firstPerSecond(),
          traffic.lastPerSecond(),
          isJudged ? Target.atLeast(0.9) : null);
      Figure backlog =
          Figure.counted(
              name() + ".backlog",
              subject + LAST,
              SteadyTraffic.CONSUMERS,
              "messages",
              traffic.backlog());
      report.figure(backlog);
      if (isJudged) {
        // No more than arrives within a second.
        report.comparison(Comparison.limit(backlog, Target.atMost(SteadyTraffic.RATE)));
      }
      compare(report, subject, "enqueue", 1, "us", before.enqueueMicros, after.enqueueMicros, null);
      compare(report, subject, "claim", 1, "us", before.claimMicros, after.claimMicros, null);
    }
  }

  private void compare(
      Report report,
      String subject,
      String what,
      int threads,
      String unit,
      double first,
      double last,
      @Nullable Target target) {
    String caseName = name() + "." + what;
    Figure before = Figure.counted(caseName, subject + FIRST, threads, unit, first);
    Figure after = Figure.counted(caseName, subject + LAST, threads, unit, last);
    report.figure(before);
    report.figure(after);
    report.comparison(Comparison.ofFigures(after, before, target));
  }

  /** Until the connection is closed. */
  private static void holdSnapshot(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
    try (Statement statement = connection.createStatement()) {
      statement.execute("SELECT count(*) FROM pg_class");
    }
  }

  /** The medians of one thread that enqueues and claims in turn. */
  private record Cost(double enqueueMicros, double claimMicros) {
    static Cost of(Messages messages) throws Exception {
      Histogram enqueues = new Histogram();
      Histogram claims = new Histogram();
      List<byte[]> one = Messages.payloads(1);
      try (Consumers consumers = messages.consumers(1, 1)) {
        Consumer consumer = consumers.consumer();
        for (int i = 0; i < PROBES; i++) {
          long began = System.nanoTime();
          messages.enqueue(one);
          long enqueued = System.nanoTime();
          if (consumer.next(Duration.ofSeconds(1)) != 1) {
            throw new IllegalStateException("What was enqueued was not found");
          }
          enqueues.record(enqueued - began);
          claims.record(System.nanoTime() - enqueued);
        }
      }
      return new Cost(enqueues.percentile(50) / 1e3, claims.percentile(50) / 1e3);
    }
  }
}
